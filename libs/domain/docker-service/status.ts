import type { Reason } from '../kernel/reason.ts';
import type { RunState } from '../replica/events.ts';
import type { Lifecycle } from './docker-service.ts';

/** `FAILED`: nothing more will be tried by itself. */
export type ServiceStatus = 'PENDING' | 'RUNNING' | 'FAILED';

/** One replica, as its service's status sees it. */
export interface ReplicaFacts {
  readonly slot: number;
  readonly release: number | null;
  readonly state: RunState;
  /** Its agent tries nothing more. */
  readonly final: boolean;
  /** Some run of it has failed: until SETTLED it counts as starting. */
  readonly everFailed: boolean;
  /** Ordered to stop: it doesn't count any more. */
  readonly stopping: boolean;
  /** Its node is unreachable, or silent for longer than a reader may trust. */
  readonly silent: boolean;
  /** Why it isn't further; also why no node took it. */
  readonly reason: Reason | null;
}

export interface ServiceFacts {
  readonly lifecycle: Lifecycle;
  readonly desired: number;
  /** The target of the active deployment, else the last stable release. */
  readonly currentRelease: number | null;
  readonly halted: Reason | null;
  readonly deploymentActive: boolean;
  readonly replicas: readonly ReplicaFacts[];
}

/** Of the wanted slots. A replica on a silent node is in none but `desired`. */
export interface ReplicaCounts {
  readonly desired: number;
  readonly running: number;
  readonly healthy: number;
  readonly starting: number;
  readonly failed: number;
}

export interface StatusOfService {
  /** Null where nothing is wanted. */
  readonly status: ServiceStatus | null;
  /** Stands whenever the status isn't RUNNING. */
  readonly reason: Reason | null;
  /** Some serve, but fewer than wanted. */
  readonly degraded: boolean;
  readonly counts: ReplicaCounts;
}

/** What a service's status is, and why: RUNNING is said only of what is seen to run. */
export function serviceStatus(facts: ServiceFacts): StatusOfService {
  const wanted = facts.replicas.filter(({ slot, stopping, state }) => slot <= facts.desired && !stopping && state !== 'GONE');
  const counts = count(facts, wanted);
  if (facts.lifecycle !== 'ACTIVE' || facts.desired === 0) return { status: null, reason: whyNothing(facts), degraded: false, counts };
  const serving = wanted.filter(isUp).length;
  const degraded = serving > 0 && serving < facts.desired;
  if (facts.halted) return { status: 'FAILED', reason: facts.halted, degraded, counts };
  if (counts.running >= facts.desired) return { status: 'RUNNING', reason: null, degraded, counts };
  const status = !facts.deploymentActive && counts.failed > 0 ? 'FAILED' : 'PENDING';
  return { status, reason: whyNotRunning(facts, wanted, counts), degraded, counts };
}

function count({ desired, currentRelease }: ServiceFacts, wanted: readonly ReplicaFacts[]): ReplicaCounts {
  const heard = wanted.filter(({ silent }) => !silent);
  const running = heard.filter((each) => isUp(each) && each.release === currentRelease).length;
  const failed = heard.filter(isGivenUp).length;
  const starting = heard.filter((each) => !isUp(each) && !isGivenUp(each)).length;
  // A replica without a health check is healthy when it runs.
  return { desired, running, healthy: running, starting, failed };
}

const isUp = ({ state, everFailed, silent }: ReplicaFacts): boolean => !silent && (state === 'SETTLED' || (state === 'RUNNING' && !everFailed));

const isGivenUp = ({ state, final }: ReplicaFacts): boolean => final && (state === 'FAILED' || state === 'COMPLETED' || state === 'STOPPED');

function whyNothing({ lifecycle, replicas }: ServiceFacts): Reason {
  const left = replicas.filter(({ state }) => state !== 'GONE').length;
  if (lifecycle === 'DELETED') return { code: 'deleted', message: 'it was deleted, and its containers are gone' };
  if (lifecycle === 'DELETING') return { code: 'deleting', message: `it is being deleted: ${left} of its replicas are left` };
  return { code: 'nothing_wanted', message: 'it is scaled to 0 replicas' };
}

/** The slot that most needs somebody: one that failed, then one whose node is silent, then one that says why it waits. */
function whyNotRunning({ desired, currentRelease }: ServiceFacts, wanted: readonly ReplicaFacts[], { running }: ReplicaCounts): Reason {
  const inOrder = [...wanted].sort((a, b) => a.slot - b.slot);
  const waiting = inOrder.filter((each) => !isUp(each) || each.release !== currentRelease);
  const told =
    waiting.find((each) => isGivenUp(each) && !each.silent) ?? waiting.find(({ silent }) => silent) ?? waiting.find(({ reason }) => reason) ?? waiting[0];
  const head = `${running} of ${desired} replicas run`;
  if (!told) return { code: 'starting', message: `${head}; the others aren't ordered yet` };
  const { code, message } = whyWaiting(told);
  return { code, message: `${head}; slot ${told.slot}: ${message}` };
}

function whyWaiting({ state, silent, reason, everFailed }: ReplicaFacts): Reason {
  if (silent) return { code: 'node_unreachable', message: "its node isn't heard from; it is made good elsewhere once the node is removed" };
  if (reason) return reason;
  if (state === 'RUNNING' && everFailed) return { code: 'failed_before', message: 'it runs again, and counts once it has stayed up' };
  return { code: 'starting', message: `it is ${state}` };
}
