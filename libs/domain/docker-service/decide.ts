import type { Cases, Decider } from '../kernel/decider.ts';
import type { DeploymentId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { evolve, initial, type DockerService, type ExistingDockerService } from './docker-service.ts';
import type { ContainerSpec, DockerServiceEvent, Step } from './events.ts';
import { effectOf, isEmptyStep, takenGeneration } from './orders.ts';
import { serviceViolations } from './service-rules.ts';
import { replicasViolations } from './spec-rules.ts';
import type { Violation } from './violation.ts';

type DataOf<T extends DockerServiceEvent['type']> = Extract<DockerServiceEvent, { type: T }>['data'];

export type DockerServiceCommand =
  /** The service, its release 1 and the deployment of that release, in one append. */
  | { type: 'CreateDockerService'; data: DataOf<'DockerServiceCreated'> & { spec: ContainerSpec; deploymentId: DeploymentId } }
  | { type: 'ScaleDockerService'; data: { replicas: number } }
  /** A planned batch outside any deployment; send it at the revision that the plan was read at. */
  | { type: 'TakeServiceStep'; data: Step }
  /** After `DeploymentClosed` stands in the deployment's own stream. */
  | { type: 'EndDeployment'; data: DataOf<'DeploymentEnded'> }
  | { type: 'RequestDockerServiceDeletion'; data: Record<never, never> }
  | { type: 'ConfirmDockerServiceDeleted'; data: Record<never, never> }
  /** The name was claimed by this command, and no service followed in time. */
  | { type: 'VoidReservation'; data: { commandId: string; name: string } };

const decisions: Cases<DockerServiceCommand, DockerService, readonly DockerServiceEvent[]> = {
  CreateDockerService(service, { data: { spec, deploymentId, ...created } }) {
    if (service.status === 'voided') throw new Rejection('conflict', 'reservation.voided', 'the request came too late for its reserved name: send it again as a new one');
    if (service.status === 'present') throw new Rejection('conflict', 'docker_service.exists', 'it was created by another request: read it instead');
    refuse(serviceViolations({ name: created.name, kind: created.kind, replicas: created.replicas, deploy: created.deploy, spec }));
    return [
      { type: 'DockerServiceCreated', data: created },
      { type: 'ReleaseCut', data: { release: 1, spec } },
      { type: 'DeploymentStarted', data: { deploymentId, fromRelease: null, toRelease: 1 } },
    ];
  },

  ScaleDockerService(service, { data: { replicas } }) {
    const { replicas: from } = active(service);
    refuse(replicasViolations(replicas));
    return replicas === from ? [] : [{ type: 'DockerServiceScaled', data: { from, to: replicas } }];
  },

  TakeServiceStep(service, { data }) {
    const present = existing(service);
    const step = effectOf(present.orders, data);
    if (isEmptyStep(step)) return [];
    if (present.activeDeployment) {
      throw new Rejection('conflict', 'docker_service.deployment_active', 'the deployment takes the steps until it has ended', {
        deploymentId: present.activeDeployment.deploymentId,
      });
    }
    if (step.creates.length) mayStart(present, step);
    return [{ type: 'ServiceStepTaken', data: step }];
  },

  EndDeployment(service, { data }) {
    const { activeDeployment } = existing(service);
    return activeDeployment?.deploymentId === data.deploymentId ? [{ type: 'DeploymentEnded', data }] : [];
  },

  RequestDockerServiceDeletion: (service) =>
    existing(service).lifecycle === 'ACTIVE' ? [{ type: 'DockerServiceDeletionRequested', data: {} }] : [],

  /** On the engine's word only: every replica was seen GONE, released and forgotten. */
  ConfirmDockerServiceDeleted(service) {
    const { lifecycle, orders, activeDeployment, name, environmentId, projectId } = existing(service);
    if (lifecycle === 'DELETED') return [];
    if (lifecycle === 'ACTIVE') throw new Rejection('conflict', 'docker_service.not_deleting', 'request its deletion first');
    if (activeDeployment) {
      throw new Rejection('conflict', 'docker_service.deployment_active', 'its deployment has to end first', { deploymentId: activeDeployment.deploymentId });
    }
    if (orders.replicas.size) {
      throw new Rejection('conflict', 'docker_service.replicas_left', 'wait until the engine has confirmed that they are gone', { replicaIds: [...orders.replicas.keys()] });
    }
    return [{ type: 'DockerServiceDeleted', data: { name, environmentId, projectId } }];
  },

  VoidReservation(service, { data }) {
    if (service.status === 'present') throw new Rejection('conflict', 'reservation.in_use', 'the service was created: its name stays claimed');
    return service.status === 'voided' ? [] : [{ type: 'ReservationVoided', data }];
  },
};

function existing(service: DockerService): ExistingDockerService {
  if (service.status === 'present') return service;
  throw new Rejection('not_found', 'docker_service.not_found', 'no service of this id was ever created');
}

function active(service: DockerService): ExistingDockerService {
  const present = existing(service);
  if (present.lifecycle === 'ACTIVE') return present;
  throw new Rejection('conflict', 'docker_service.deleted', 'it is being deleted or was: create another one', { lifecycle: present.lifecycle });
}

/** New replicas need a service that is wanted, that isn't halted, and a generation that its slot never had. */
function mayStart(service: ExistingDockerService, { creates }: Step): void {
  const { halted, orders } = active(service);
  if (halted) throw new Rejection('conflict', 'docker_service.halted', 'nothing is started until another deployment', { reason: halted });
  const taken = takenGeneration(orders, creates);
  if (taken) throw new Rejection('conflict', 'docker_service.generation_taken', 'plan again: the slot already had this generation', { slot: taken.slot, generation: taken.generation });
}

/** @throws Rejection `docker_service.invalid` that carries every violation; the first one's message is its detail. */
function refuse(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first) throw new Rejection('invalid', 'docker_service.invalid', `${first.pointer}: ${first.message}`, { violations });
}

/** The rules of a docker_service. A retry that finds the world already so is silence. */
export const dockerService: Decider<DockerService, DockerServiceCommand, DockerServiceEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
