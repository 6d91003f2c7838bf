import type { Hook } from './hook.ts';

/** How the service is moved to a release: its own, changed without a new release. Milliseconds; semantics of deployments. */
export interface DeploySettings {
  /** `recreate`: stop all, start all. `rolling`: within `maxSurge` and `maxUnavailable`. */
  readonly strategy: 'rolling' | 'recreate';
  /** Replicas above the wanted number while rolling: a number, or a percentage of it (`25%`) rounded up. Null: 25%; 1 for a single
   *  replica; 0 with a host port. */
  readonly maxSurge: number | string | null;
  /** Replicas that may be lacking while rolling: a number, or a percentage rounded down; 1 where both come out as 0. Null: 25%; 0 for
   *  a single replica; 1 with a host port. */
  readonly maxUnavailable: number | string | null;
  /** A container counts as started when it has run (with a check: been healthy) this long. */
  readonly minHealthyMs: number;
  /** Each replica's time from its start order to counting as started. */
  readonly healthyDeadlineMs: number;
  /** The deployment's time without any progress; hooks excluded. */
  readonly progressDeadlineMs: number;
  /** More failed replicas than this end the deployment. */
  readonly maxFailures: number;
  /** How long all replicas of the new release have to stay up after the last one was replaced; 0: not watched. */
  readonly monitorMs: number;
  /** A deployment that failed returns to the last stable release. */
  readonly autoRollback: boolean;
  readonly preDeploy: Hook | null;
  readonly postDeploy: Hook | null;
}

/** What a service has where nothing else is asked for. */
export const DEFAULT_DEPLOY_SETTINGS: DeploySettings = {
  strategy: 'rolling',
  maxSurge: null,
  maxUnavailable: null,
  minHealthyMs: 10_000,
  healthyDeadlineMs: 300_000,
  progressDeadlineMs: 600_000,
  maxFailures: 0,
  monitorMs: 15_000,
  autoRollback: true,
  preDeploy: null,
  postDeploy: null,
};
