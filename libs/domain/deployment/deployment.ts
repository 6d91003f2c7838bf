import type { DeploymentOutcome } from '../docker-service/events.ts';
import { noOrders, takeStep, type HandOver, type Orders } from '../docker-service/orders.ts';
import type { Cases } from '../kernel/decider.ts';
import type { DeploymentId, DockerServiceId, JobId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { DeploymentEvent, DeploymentStage, StageResult } from './events.ts';

/** A stage that was begun. */
export interface StageStanding {
  readonly jobId: JobId | null;
  /** RFC 3339, both. */
  readonly beganAt: string;
  readonly deadlineAt: string | null;
  /** Why it was begun, then why it ended. */
  readonly reason: Reason;
  /** Null while it is under way. */
  readonly result: StageResult | null;
}

/** A deployment whose stream was begun; `closed` tells whether steps may still be taken. */
export interface OpenedDeployment {
  readonly status: 'opened';
  readonly deploymentId: DeploymentId;
  readonly dockerServiceId: DockerServiceId;
  readonly projectId: ProjectId;
  readonly toRelease: number;
  readonly progressDeadlineMs: number;
  /** RFC 3339; nothing went forward until then: it has failed. Null while a hook runs, which has a time of its own. */
  readonly deadlineAt: string | null;
  /** In the order of being begun. */
  readonly stages: ReadonlyMap<DeploymentStage, StageStanding>;
  /** The stage under way; null between two of them. */
  readonly stage: DeploymentStage | null;
  /** What was ordered before the return began: none of it may be left at the end. */
  readonly forward: ReadonlySet<ReplicaId>;
  /** The most that was ever up and settled at once on this way: only more than that is progress, so a crash loop is none. */
  readonly progress: { readonly running: number; readonly settled: number };
  /** Replicas that were given up by their agents, in the order of being recorded. */
  readonly failures: ReadonlyMap<ReplicaId, { readonly slot: number; readonly reason: Reason }>;
  readonly orders: Orders;
  /** For the service, once this is over: also what isn't in `orders` any more. */
  readonly handOver: HandOver;
  readonly closed: { readonly outcome: DeploymentOutcome; readonly reason: Reason } | null;
}

export type Deployment = { readonly status: 'absent' } | OpenedDeployment;

export const initial: Deployment = { status: 'absent' };

const opened = (deployment: Deployment): OpenedDeployment => {
  if (deployment.status !== 'opened') throw new Error('history out of order: deployment was never opened');
  return deployment;
};

const evolutions: Cases<DeploymentEvent, Deployment, Deployment> = {
  DeploymentOpened: (_, { data: { startedAt, ...data } }) => ({
    ...data,
    status: 'opened',
    deadlineAt: after(startedAt, data.progressDeadlineMs),
    stages: new Map(),
    stage: null,
    forward: new Set(),
    progress: { running: 0, settled: 0 },
    failures: new Map(),
    orders: noOrders,
    handOver: { ordered: [], stopped: [], forgotten: [] },
    closed: null,
  }),
  DeploymentStageBegan: (deployment, { data }) => beginStage(opened(deployment), data),
  DeploymentStageEnded(deployment, { data: { stage, result, at, reason } }) {
    const { stages, deadlineAt, progressDeadlineMs, ...rest } = opened(deployment);
    const begun = stages.get(stage);
    if (!begun) throw new Error(`history out of order: stage ${stage} was never begun`);
    const ended = new Map(stages).set(stage, { ...begun, result, reason });
    return { ...rest, stage: null, stages: ended, progressDeadlineMs, deadlineAt: deadlineAt ?? after(at, progressDeadlineMs) };
  },
  DeploymentStepTaken(deployment, { data }) {
    const { orders, handOver, ...rest } = opened(deployment);
    return {
      ...rest,
      orders: takeStep(orders, data),
      handOver: {
        ordered: [...handOver.ordered, ...data.creates],
        stopped: [...handOver.stopped, ...data.stops],
        forgotten: [...handOver.forgotten, ...data.forgets],
      },
    };
  },
  DeploymentProgressed: (deployment, { data: { running, settled, deadlineAt } }) => ({
    ...opened(deployment),
    progress: { running: Math.max(running, opened(deployment).progress.running), settled: Math.max(settled, opened(deployment).progress.settled) },
    deadlineAt,
  }),
  DeploymentReplicaFailed: (deployment, { data: { replicaId, slot, reason } }) => ({
    ...opened(deployment),
    failures: new Map([...opened(deployment).failures, [replicaId, { slot, reason }]]),
  }),
  DeploymentClosed: (deployment, { data: { outcome, reason } }) => ({ ...opened(deployment), closed: { outcome, reason } }),
};

const after = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

/** A return begins to count anew. */
function beginStage(deployment: OpenedDeployment, { stage, jobId, at, deadlineAt, reason }: BeganData): OpenedDeployment {
  const { stages } = deployment;
  const begun = { ...deployment, stage, deadlineAt, stages: new Map(stages).set(stage, { jobId, beganAt: at, deadlineAt, reason, result: null }) };
  return stage === 'return' ? { ...begun, forward: new Set(deployment.handOver.ordered.map(({ replicaId }) => replicaId)), progress: { running: 0, settled: 0 }, failures: new Map() } : begun;
}

type BeganData = Extract<DeploymentEvent, { type: 'DeploymentStageBegan' }>['data'];

/** Folds one event of a deployment's stream in. */
export const evolve = (deployment: Deployment, event: DeploymentEvent): Deployment => evolutions[event.type](deployment, event as never);
