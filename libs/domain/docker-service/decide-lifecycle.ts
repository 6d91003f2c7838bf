import type { Cases } from '../kernel/decider.ts';
import type { DeploymentId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { restarted } from './decide-deployments.ts';
import type { DockerService, ExistingDockerService } from './docker-service.ts';
import type { DockerServiceEvent } from './events.ts';
import { existing, living } from './standing.ts';

export type LifecycleCommand =
  /** Containers stopped and kept. */
  | { type: 'PauseDockerService'; data: Record<never, never> }
  /** Out of PAUSED. The deployment is for a service that has no release to stand on: nothing of it would be started otherwise. */
  | { type: 'ResumeDockerService'; data: { deploymentId: DeploymentId } }
  /** Containers removed; also of a service that was paused. */
  | { type: 'StopDockerService'; data: Record<never, never> }
  /** Out of PAUSED, and out of a halt: then by a deployment. */
  | { type: 'StartDockerService'; data: { deploymentId: DeploymentId } }
  | { type: 'RequestDockerServiceDeletion'; data: { volumes?: 'keep' | 'delete' } }
  | { type: 'ConfirmDockerServiceDeleted'; data: Record<never, never> };

/** What a service goes through, from ACTIVE to DELETED. A move that can't be is a conflict that says why. */
export const lifecycleDecisions: Cases<LifecycleCommand, DockerService, readonly DockerServiceEvent[]> = {
  PauseDockerService(state) {
    const { paused } = living(state);
    if (paused === 'held') throw impossible('docker_service.paused', 'it is paused already');
    if (paused === 'removed') throw impossible('docker_service.stopped', 'it is stopped, and has no containers to hold: start it first');
    return [{ type: 'DockerServicePaused', data: {} }];
  },

  ResumeDockerService(state, { data: { deploymentId } }) {
    const service = living(state);
    if (service.paused === null) throw impossible('docker_service.not_paused', service.halted ? 'it is halted, not paused: start it' : 'it is neither paused nor stopped');
    return [{ type: 'DockerServiceResumed', data: {} }, ...deployed(service, deploymentId)];
  },

  StopDockerService(state) {
    if (living(state).paused === 'removed') throw impossible('docker_service.stopped', 'it is stopped already');
    return [{ type: 'DockerServiceStopped', data: {} }];
  },

  StartDockerService(state, { data: { deploymentId } }) {
    const service = living(state);
    if (service.paused === null && !service.halted) throw impossible('docker_service.not_stopped', 'it is neither stopped, paused nor halted: to start its containers anew, restart it');
    return [{ type: 'DockerServiceStarted', data: {} }, ...deployed(service, deploymentId)];
  },

  /** While it goes on, another word about its volumes is heard. */
  RequestDockerServiceDeletion(state, { data }) {
    const { lifecycle, takesVolumes } = existing(state);
    const isNews = lifecycle === 'DELETING' && data.volumes !== undefined && (data.volumes === 'delete') !== takesVolumes;
    return lifecycle === 'ACTIVE' || lifecycle === 'PAUSED' || isNews ? [{ type: 'DockerServiceDeletionRequested', data }] : [];
  },

  /** On the engine's word only: every replica was seen GONE, released and forgotten. */
  ConfirmDockerServiceDeleted(state) {
    const { lifecycle, orders, activeDeployment, superseded, name, environmentId, projectId } = existing(state);
    if (lifecycle === 'DELETED') return [];
    if (lifecycle !== 'DELETING') throw new Rejection('conflict', 'docker_service.not_deleting', 'request its deletion first');
    const [open] = [...superseded, ...(activeDeployment ? [activeDeployment] : [])];
    if (open) throw new Rejection('conflict', 'docker_service.deployment_active', 'its deployment has to end first', { deploymentId: open.deploymentId });
    if (orders.replicas.size) {
      throw new Rejection('conflict', 'docker_service.replicas_left', 'wait until the engine has confirmed that they are gone', { replicaIds: [...orders.replicas.keys()] });
    }
    return [{ type: 'DockerServiceDeleted', data: { name, environmentId, projectId } }];
  },
};

/** Where nothing stable is there to run, or the service was halted, leaving takes a deployment. */
const deployed = (service: ExistingDockerService, deploymentId: DeploymentId): readonly DockerServiceEvent[] =>
  service.stableRelease === null || service.halted ? [restarted(service, deploymentId)] : [];

const impossible = (code: string, why: string): Rejection => new Rejection('conflict', code, why);
