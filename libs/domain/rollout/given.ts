import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import { deployment as deploymentDecider } from '../deployment/decide.ts';
import type { DeploymentEvent, DeploymentStage, StageResult } from '../deployment/events.ts';
import { dockerService } from '../docker-service/decide.ts';
import { DEFAULT_DEPLOY_SETTINGS, type DeploySettings } from '../docker-service/deploy-settings.ts';
import type { ContainerSpec, DeploymentOutcome, DockerServiceEvent, ReplicaOrder, Step } from '../docker-service/events.ts';
import { ALWAYS } from '../docker-service/restart-policy.ts';
import { job as jobDecider } from '../job/decide.ts';
import type { Job } from '../job/job.ts';
import { fold } from '../kernel/decider.ts';
import type { DeploymentId } from '../kernel/ids.ts';
import { unseen, type ObservedReplica } from './observed.ts';
import { planRollout } from './plan-rollout.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';

/** A service, its deployments and its replicas, as specs of plans tell them: `api` (`svc_1`), moved by `dep_1`, `dep_2`… */
export const T0 = Date.parse('2030-01-01T00:00:00.000Z');
export const at = (ms: number): string => new Date(T0 + ms).toISOString();
export const reason = { code: 'test', message: 'for the test' };
export const crashed = { code: 'exited', message: 'it ended with exit code 1' };
export const PROGRESS_MS = 600_000;
export const HEALTHY_MS = 300_000;

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
export const SPEC: ContainerSpec = {
  image: 'docker.io/a/b:c', pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount },
  labels: {}, constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS,
};
export const SETTINGS: DeploySettings = { ...DEFAULT_DEPLOY_SETTINGS, minHealthyMs: 10_000, healthyDeadlineMs: HEALTHY_MS, progressDeadlineMs: PROGRESS_MS, monitorMs: 0 };

export const refOf = (deploymentId: DeploymentId) => ({ deploymentId, dockerServiceId: 'svc_1', projectId: 'prj_1' }) as const;
export const replicaIdOf = (slot: number, generation: number) => `rep_${slot}_${generation}` as const;
export const order = (slot: number, generation = 1, more: Partial<ReplicaOrder> = {}): ReplicaOrder => ({
  replicaId: replicaIdOf(slot, generation), slot, generation, release: 1, orderedAt: at(0), ...more,
});
export const step = (parts: Partial<Step>): Step => ({ creates: [], stops: [], forgets: [], reason, ...parts });

/** The service with its first deployment started. */
export function created(replicas: number, settings: Partial<DeploySettings> = {}, spec: Partial<ContainerSpec> = {}): DockerServiceEvent[] {
  const deploy = { ...SETTINGS, ...settings };
  const born = { dockerServiceId: 'svc_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'api', hostname: 'api.production.shop.internal', kind: 'worker', replicas, deploy } as const;
  return [
    { type: 'DockerServiceCreated', data: born },
    { type: 'ReleaseCut', data: { release: 1, spec: { ...SPEC, ...spec } } },
    { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'create', fromRelease: null, toRelease: 1, settings: deploy, supersedes: null } },
  ];
}

/** Its deployment is over, with all that it ordered. */
export const ended = (outcome: DeploymentOutcome, ordered: ReplicaOrder[], of: { deploymentId?: DeploymentId; toRelease?: number } = {}): DockerServiceEvent => ({
  type: 'DeploymentEnded',
  data: { deploymentId: 'dep_1', outcome, reason: outcome === 'FAILED' ? crashed : reason, toRelease: 1, ordered, stopped: [], forgotten: [], ...of },
});

/** The service on its release 1, with a replica in each slot. */
export const stable = (replicas: number, settings: Partial<DeploySettings> = {}, spec: Partial<ContainerSpec> = {}): DockerServiceEvent[] => [
  ...created(replicas, settings, spec),
  ended('SUCCEEDED', Array.from({ length: replicas }, (_, index) => order(index + 1))),
];

/** Another release, and `dep_2` that moves the stable service to it. */
export const deploying = (replicas: number, settings: Partial<DeploySettings> = {}, spec: Partial<ContainerSpec> = {}): DockerServiceEvent[] => [
  ...stable(replicas, settings),
  { type: 'ReleaseCut', data: { release: 2, spec: { ...SPEC, image: 'docker.io/a/b:d', ...spec } } },
  { type: 'DeploymentStarted', data: { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: { ...SETTINGS, ...settings }, supersedes: null } },
];

/** Events of a deployment's own stream. */
export const deploymentEvents = (deploymentId: DeploymentId, toRelease: number) => {
  const ref = refOf(deploymentId);
  const began = (stage: DeploymentStage, ms = 0, deadlineMs: number | null = PROGRESS_MS): DeploymentEvent => ({
    type: 'DeploymentStageBegan',
    data: { ...ref, stage, jobId: stage === 'pre_deploy' || stage === 'post_deploy' ? `job_${stage}` : null, at: at(ms), deadlineAt: deadlineMs === null ? null : at(ms + deadlineMs), reason },
  });
  const over = (stage: DeploymentStage, result: StageResult, why = reason): DeploymentEvent => ({ type: 'DeploymentStageEnded', data: { ...ref, stage, result, at: at(0), reason: why } });
  const opened: DeploymentEvent = { type: 'DeploymentOpened', data: { ...ref, toRelease, startedAt: at(0), progressDeadlineMs: PROGRESS_MS } };
  return {
    ref,
    opened,
    began,
    over,
    /** Opened, and come to where replicas are replaced. */
    underWay: [opened, began('prepare'), over('prepare', 'SUCCEEDED'), began('replace')],
    took: (parts: Partial<Step>): DeploymentEvent => ({ type: 'DeploymentStepTaken', data: { ...ref, ...step(parts) } }),
    failed: (slot: number, why = crashed, generation = 1): DeploymentEvent => ({ type: 'DeploymentReplicaFailed', data: { ...ref, replicaId: replicaIdOf(slot, generation), slot, reason: why } }),
    progressed: (running: number, settled: number, ms: number): DeploymentEvent => ({ type: 'DeploymentProgressed', data: { ...ref, running, settled, wanted: 2, deadlineAt: at(ms + PROGRESS_MS) } }),
    closed: (outcome: DeploymentOutcome): DeploymentEvent => ({ type: 'DeploymentClosed', data: { ...ref, outcome, reason } }),
  };
};

export const seen = (slot: number, parts: Partial<ObservedReplica> = {}, generation = 1): ObservedReplica => ({ ...unseen(order(slot, generation)), exists: true, nodeId: 'node_1', ...parts });
export const up = (slot: number, generation = 1) => seen(slot, { state: 'RUNNING', run: 1 }, generation);
export const settled = (slot: number, generation = 1) => seen(slot, { state: 'SETTLED', settled: true, everSettled: true, run: 1 }, generation);
export const prepared = (slot: number, generation = 2) => seen(slot, { state: 'PREPARED', run: 1 }, generation);
export const givenUp = (slot: number, generation = 1) => seen(slot, { state: 'FAILED', final: true, everFailed: true, run: 5, reason: crashed, failure: crashed }, generation);
export const gone = (slot: number, released = false, generation = 1) => seen(slot, { state: 'GONE', final: true, gone: true, released, run: 1 }, generation);

/** What a plan is made from, in events. */
export interface Told {
  readonly service: readonly DockerServiceEvent[];
  readonly deployment?: readonly DeploymentEvent[];
  readonly observed?: readonly ObservedReplica[];
  readonly hook?: Job | null;
  readonly ms?: number;
  /** Whether every node has reported up to now. */
  readonly fresh?: boolean;
}

/** The plan of a world that was told. */
export function plan({ service, deployment = [], observed = [], hook = null, ms = 0, fresh = true }: Told): RolloutPlan {
  const folded = fold(dockerService, service);
  if (folded.status !== 'present') throw new Error('no service in this history');
  return planRollout({
    service: folded,
    deployment: fold(deploymentDecider, deployment),
    observed,
    hook,
    reportedAfter: fresh ? T0 + ms : null,
    now: T0 + ms,
    replicaIdOf,
    hookJobIdOf: (_, which) => `job_${which}`,
  });
}

/** A plan that says this and nothing else. */
export const only = (parts: Partial<RolloutPlan>): RolloutPlan => ({ ...NOTHING_TO_DO, ...parts });

/** A hook's job: not created, under way, or ended. */
export function hookJobOf(plan: RolloutPlan, outcome: 'SUCCEEDED' | 'FAILED' | null): Job {
  const definition = plan.startHook;
  if (!definition) throw new Error('the plan starts no hook');
  const ending = outcome && ({ type: 'JobEnded', data: { outcome, attempt: 1, exitCode: outcome === 'FAILED' ? 3 : 0, oomKilled: false, reason: { code: 'exited', message: 'exit code 3' } } } as const);
  return fold(jobDecider, [{ type: 'JobCreated', data: definition }, { type: 'JobAttemptStarted', data: { attempt: 1, replicaId: 'rep_hook' } }, ...(ending ? [ending] : [])]);
}
