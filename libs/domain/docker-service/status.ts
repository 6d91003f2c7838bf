import type { Reason } from '../kernel/reason.ts';
import type { Health, RunState } from '../replica/events.ts';
import { STOPPED_BY_HAND } from '../replica/replica.ts';
import type { Lifecycle } from './docker-service.ts';

/** `FAILED`: nothing more will be tried by itself. */
export type ServiceStatus = 'PENDING' | 'RUNNING' | 'FAILED';

/** One replica, as its service's status sees it. */
export interface ReplicaFacts {
  readonly slot: number;
  readonly release: number | null;
  readonly state: RunState;
  /** By its check; `unknown` without one. */
  readonly health: Health;
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
  /** What became of its containers when it was PAUSED. */
  readonly paused: 'held' | 'removed' | null;
  readonly desired: number;
  /** The target of the deployment that moves forward, else the last stable release. */
  readonly currentRelease: number | null;
  readonly halted: Reason | null;
  readonly deploymentActive: boolean;
  /** The scheduler tries another node for a replica whose retries are spent. */
  readonly replacesExhausted: boolean;
  readonly replicas: readonly ReplicaFacts[];
}

/** Of the wanted slots, each counted once, however many replicas it holds while it rolls. One whose replica is on a silent node is in none
 *  but `desired`. */
export interface ReplicaCounts {
  readonly desired: number;
  /** Up, and of the current release. */
  readonly running: number;
  /** Of those, the ones that are well by their check, or have none. */
  readonly healthy: number;
  readonly starting: number;
  readonly failed: number;
  /** Done with its work, or stopped by hand under a policy that lets it be: they aren't wanted any more. */
  readonly finished: number;
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

/** What a service's status is, and why: RUNNING is said only of what is seen to run, all of it of the current release. */
export function serviceStatus(facts: ServiceFacts): StatusOfService {
  const wanted = wantedOf(facts);
  const slots = Map.groupBy(wanted, ({ slot }) => slot);
  const counts = count(facts, [...slots.values()]);
  const needed = facts.desired - counts.finished;
  if (facts.lifecycle !== 'ACTIVE' || facts.desired === 0) return { status: null, reason: whyNothing(facts), degraded: false, counts };
  const serving = [...slots.values()].filter((each) => each.some(isWell)).length;
  const degraded = serving > 0 && serving < needed;
  if (facts.halted) return { status: 'FAILED', reason: facts.halted, degraded, counts };
  if (needed === 0) return { status: null, reason: FINISHED, degraded: false, counts };
  const isMixed = wanted.some((each) => isUp(each) && each.release !== facts.currentRelease);
  if (counts.healthy >= needed && !isMixed) return { status: 'RUNNING', reason: null, degraded, counts };
  const status = !facts.deploymentActive && !facts.replacesExhausted && counts.failed > 0 ? 'FAILED' : 'PENDING';
  return { status, reason: whyNotRunning(facts, wanted, counts), degraded, counts };
}

/** The replica that the status tells of, where one keeps the service from running; null where none does, or nothing is wanted. */
export function neediestReplica(facts: ServiceFacts): ReplicaFacts | null {
  const isWanted = facts.lifecycle === 'ACTIVE' && facts.desired > 0;
  return isWanted ? (neediestOf(facts, wantedOf(facts)) ?? null) : null;
}

const wantedOf = ({ replicas, desired }: ServiceFacts): readonly ReplicaFacts[] => replicas.filter(({ slot, stopping, state }) => slot <= desired && !stopping && state !== 'GONE');

const FINISHED: Reason = { code: 'finished', message: 'every replica is done with its work, or was stopped by hand' };

function count({ desired, currentRelease }: ServiceFacts, slots: readonly (readonly ReplicaFacts[])[]): ReplicaCounts {
  const counts = { desired, running: 0, healthy: 0, starting: 0, failed: 0, finished: 0 };
  for (const slot of slots) {
    const heard = slot.filter(({ silent }) => !silent);
    const current = heard.filter(({ release }) => release === currentRelease);
    if (current.some(isUp)) {
      counts.running += 1;
      if (current.some(isWell)) counts.healthy += 1;
    } else if (current.some(isFinished)) counts.finished += 1;
    else if (heard.some((each) => !isUp(each) && !isGivenUp(each))) counts.starting += 1;
    else if (heard.some(isGivenUp)) counts.failed += 1;
  }
  return counts;
}

/** Running, and past whatever it has failed of before; with a check, past its first success. */
const isUp = ({ state, everFailed, silent, health }: ReplicaFacts): boolean =>
  !silent && health !== 'starting' && (state === 'SETTLED' || (state === 'RUNNING' && !everFailed));

const isWell = (each: ReplicaFacts): boolean => isUp(each) && each.health !== 'unhealthy';

/** It leaves the wanted number. */
const isFinished = ({ state, final, reason }: ReplicaFacts): boolean => final && (state === 'COMPLETED' || (state === 'STOPPED' && reason?.code === STOPPED_BY_HAND));

const isGivenUp = (each: ReplicaFacts): boolean => each.final && !isFinished(each) && (each.state === 'FAILED' || each.state === 'STOPPED');

function whyNothing({ lifecycle, paused, replicas }: ServiceFacts): Reason {
  if (lifecycle === 'PAUSED') return paused === 'removed' ? STOPPED : PAUSED;
  const left = replicas.filter(({ state }) => state !== 'GONE').length;
  if (lifecycle === 'DELETED') return { code: 'deleted', message: 'it was deleted, and its containers are gone' };
  if (lifecycle === 'DELETING') return { code: 'deleting', message: `it is being deleted: ${left} of its replicas are left` };
  return { code: 'nothing_wanted', message: 'it is scaled to 0 replicas' };
}

const PAUSED: Reason = { code: 'paused', message: 'it is paused: its containers are stopped and kept' };
const STOPPED: Reason = { code: 'stopped', message: 'it is stopped: its containers are removed' };

/** The slot that most needs somebody: one that failed, then one whose node is silent, then one that says why it waits. */
function neediestOf({ currentRelease }: ServiceFacts, wanted: readonly ReplicaFacts[]): ReplicaFacts | undefined {
  const inOrder = [...wanted].sort((a, b) => a.slot - b.slot);
  const waiting = inOrder.filter((each) => !isFinished(each) && (!isWell(each) || each.release !== currentRelease));
  return waiting.find((each) => isGivenUp(each) && !each.silent) ?? waiting.find(({ silent }) => silent) ?? waiting.find(({ reason }) => reason) ?? waiting.find((each) => !isWell(each)) ?? waiting[0];
}

function whyNotRunning(facts: ServiceFacts, wanted: readonly ReplicaFacts[], { healthy, finished }: ReplicaCounts): Reason {
  const { desired, currentRelease } = facts;
  const told = neediestOf(facts, wanted);
  const head = `${healthy} of ${desired} replicas run${finished ? `, ${finished} ${finished === 1 ? 'is' : 'are'} finished` : ''}`;
  if (!told) return { code: 'starting', message: `${head}; the others aren't ordered yet` };
  const { code, message } = whyWaiting(told, currentRelease);
  return { code, message: `${head}; slot ${told.slot}: ${message}` };
}

function whyWaiting(each: ReplicaFacts, currentRelease: number | null): Reason {
  const { state, silent, reason, everFailed, health, release } = each;
  if (silent) return { code: 'node_unreachable', message: "its node isn't heard from; it is made good elsewhere once the node is removed" };
  if (reason) return reason;
  if (isWell(each) && release !== currentRelease) return { code: 'replacing', message: `it runs release ${release} still` };
  if (health === 'starting') return { code: 'health_starting', message: 'it runs, and its check has yet to succeed' };
  if (health === 'unhealthy') return { code: 'unhealthy', message: 'its check fails' };
  if (state === 'RUNNING' && everFailed) return { code: 'failed_before', message: 'it runs again, and counts once it has stayed up' };
  return { code: 'starting', message: `it is ${state}` };
}
