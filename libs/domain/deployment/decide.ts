import type { DeploymentOutcome, Step } from '../docker-service/events.ts';
import { effectOf, isEmptyStep, takenGeneration } from '../docker-service/orders.ts';
import type { Cases, Decider } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { evolve, initial, type Deployment, type OpenedDeployment } from './deployment.ts';
import type { DeploymentEvent } from './events.ts';

type DataOf<T extends DeploymentEvent['type']> = Extract<DeploymentEvent, { type: T }>['data'];

export type DeploymentCommand =
  | { type: 'OpenDeployment'; data: DataOf<'DeploymentOpened'> }
  /** A planned batch; send it at the revision that the plan was read at. */
  | { type: 'TakeDeploymentStep'; data: Step }
  /** `deadlineAt` is when the next progress is due. */
  | { type: 'RecordDeploymentProgress'; data: { running: number; settled: number; wanted: number; deadlineAt: string } }
  | { type: 'RecordReplicaFailure'; data: { replicaId: ReplicaId; slot: number; reason: Reason } }
  | { type: 'CloseDeployment'; data: { outcome: DeploymentOutcome; reason: Reason } };

const decisions: Cases<DeploymentCommand, Deployment, readonly DeploymentEvent[]> = {
  OpenDeployment: (deployment, { data }) => (deployment.status === 'absent' ? [{ type: 'DeploymentOpened', data }] : []),

  TakeDeploymentStep(deployment, { data }) {
    const present = opened(deployment);
    const step = effectOf(present.orders, data);
    if (isEmptyStep(step)) return [];
    refuseClosed(present);
    const taken = takenGeneration(present.orders, step.creates);
    if (taken) throw new Rejection('conflict', 'deployment.generation_taken', 'plan again: the slot already had this generation', { slot: taken.slot, generation: taken.generation });
    return [{ type: 'DeploymentStepTaken', data: { ...refOf(present), ...step } }];
  },

  /** Only more than ever before is progress: replicas that start again and again move no deadline. */
  RecordDeploymentProgress(deployment, { data }) {
    const present = opened(deployment);
    const { running, settled } = present.progress;
    if (data.running <= running && data.settled <= settled) return [];
    refuseClosed(present);
    return [{ type: 'DeploymentProgressed', data: { ...refOf(present), ...data } }];
  },

  RecordReplicaFailure(deployment, { data }) {
    const present = opened(deployment);
    if (present.failures.has(data.replicaId)) return [];
    refuseClosed(present);
    return [{ type: 'DeploymentReplicaFailed', data: { ...refOf(present), ...data } }];
  },

  /** Whoever closes second is silent: how it ended is decided once. */
  CloseDeployment(deployment, { data }) {
    const present = opened(deployment);
    return present.closed ? [] : [{ type: 'DeploymentClosed', data: { ...refOf(present), ...data } }];
  },
};

function opened(deployment: Deployment): OpenedDeployment {
  if (deployment.status === 'opened') return deployment;
  throw new Rejection('not_found', 'deployment.not_found', 'it was never opened');
}

function refuseClosed({ closed }: OpenedDeployment): void {
  if (closed) throw new Rejection('conflict', 'deployment.closed', 'it has ended: plan the service anew', { outcome: closed.outcome });
}

const refOf = ({ deploymentId, dockerServiceId, projectId }: OpenedDeployment) => ({ deploymentId, dockerServiceId, projectId });

/** The rules of a deployment's steps; that it was asked for and how it ended is the service's. */
export const deployment: Decider<Deployment, DeploymentCommand, DeploymentEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
