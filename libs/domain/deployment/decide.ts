import type { DeploymentOutcome, Step } from '../docker-service/events.ts';
import { isEmptyStep, takenGeneration } from '../docker-service/orders.ts';
import type { Cases, Decider } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { evolve, initial, type Deployment, type OpenedDeployment } from './deployment.ts';
import { DEPLOYMENT_STAGES, type DeploymentEvent, type DeploymentRef, type StageResult } from './events.ts';

type DataOf<T extends DeploymentEvent['type']> = Extract<DeploymentEvent, { type: T }>['data'];

export type DeploymentCommand =
  | { type: 'OpenDeployment'; data: DataOf<'DeploymentOpened'> }
  /** A planned batch; send it at the revision that the plan was read at. */
  | { type: 'TakeDeploymentStep'; data: Step }
  /** `deadlineAt` is when the next progress is due. */
  | { type: 'RecordDeploymentProgress'; data: { running: number; settled: number; wanted: number; deadlineAt: string } }
  | { type: 'RecordReplicaFailure'; data: { replicaId: ReplicaId; slot: number; reason: Reason } }
  /** The next stage; the one that is under way has SUCCEEDED, for the same reason. */
  | { type: 'BeginDeploymentStage'; data: Omit<DataOf<'DeploymentStageBegan'>, keyof DeploymentRef> }
  /** Ends a stage without beginning another. */
  | { type: 'EndDeploymentStage'; data: Omit<DataOf<'DeploymentStageEnded'>, keyof DeploymentRef> }
  /** `at`: RFC 3339, for the stage that is under way and ends with it. */
  | { type: 'CloseDeployment'; data: { outcome: DeploymentOutcome; reason: Reason; at: string } };

const decisions: Cases<DeploymentCommand, Deployment, readonly DeploymentEvent[]> = {
  OpenDeployment: (deployment, { data }) => (deployment.status === 'absent' ? [{ type: 'DeploymentOpened', data }] : []),

  TakeDeploymentStep(deployment, { data }) {
    const present = opened(deployment);
    const step = newIn(present, data);
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
    if (present.closed) return [];
    const { outcome, reason, at } = data;
    return [...ended(present, resultBy(outcome, present), at, reason), { type: 'DeploymentClosed', data: { ...refOf(present), outcome, reason } }];
  },

  BeginDeploymentStage(deployment, { data }) {
    const present = opened(deployment);
    const { stages } = present;
    if (stages.has(data.stage)) return [];
    refuseClosed(present);
    const later = DEPLOYMENT_STAGES.slice(DEPLOYMENT_STAGES.indexOf(data.stage) + 1).find((stage) => stages.has(stage));
    if (later) throw new Rejection('conflict', 'deployment.stage_passed', `it has come to ${later} already`, { stage: data.stage });
    return [...ended(present, 'SUCCEEDED', data.at, data.reason), { type: 'DeploymentStageBegan', data: { ...refOf(present), ...data } }];
  },

  EndDeploymentStage(deployment, { data: { stage, result, at, reason } }) {
    const present = opened(deployment);
    if (present.stage === stage) return ended(present, result, at, reason);
    if (present.stages.has(stage)) return [];
    throw new Rejection('conflict', 'deployment.stage_not_begun', `it hasn't come to ${stage}`, { stage });
  },
};

function ended(deployment: OpenedDeployment, result: StageResult, at: string, reason: Reason): readonly DeploymentEvent[] {
  const { stage } = deployment;
  return stage ? [{ type: 'DeploymentStageEnded', data: { ...refOf(deployment), stage, result, at, reason } }] : [];
}

/** Of the stage that is under way at the end: a return that comes to its end has SUCCEEDED, whatever made it necessary. */
function resultBy(outcome: DeploymentOutcome, { stage }: OpenedDeployment): StageResult {
  if (outcome === 'SUCCEEDED' || outcome === 'ROLLED_BACK') return 'SUCCEEDED';
  if (outcome === 'FAILED') return 'FAILED';
  return stage === 'return' && outcome === 'CANCELLED' ? 'SUCCEEDED' : 'CANCELLED';
}

/** What of a step is new here. Replicas of the service's own are stopped and forgotten here too, each once. */
function newIn({ orders, handOver }: OpenedDeployment, step: Step): Step {
  const stopped = new Set(handOver.stopped.map(({ replicaId }) => replicaId));
  const forgotten = new Set(handOver.forgotten);
  return {
    ...step,
    creates: step.creates.filter(({ replicaId }) => !orders.replicas.has(replicaId) && !forgotten.has(replicaId)),
    stops: step.stops.filter(({ replicaId }) => !stopped.has(replicaId) && !forgotten.has(replicaId)),
    forgets: step.forgets.filter((replicaId) => !forgotten.has(replicaId)),
  };
}

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
