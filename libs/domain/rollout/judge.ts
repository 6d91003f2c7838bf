import type { OpenedDeployment } from '../deployment/deployment.ts';
import type { Reason } from '../kernel/reason.ts';
import { isGivenUp, type ObservedReplica } from './observed.ts';
import type { Moving } from './moving.ts';
import type { RolloutPlan } from './rollout-plan.ts';
import { isLive, isSettled, isThere, isWanted, type Standing } from './standing.ts';
import { slotsText } from './step.ts';

/** Whether a deadline has passed, and what was seen up to it is known. */
export const isJudged = ({ now, reportedAfter }: Moving, deadline: number | null): boolean => deadline !== null && deadline <= now && reportedAfter !== null && deadline <= reportedAfter;

/** When nothing may have stayed as it is; null while a hook runs. Milliseconds since the epoch. A watch that has passed leaves as much time
 *  again for what was lost in it. */
export function progressDeadline({ stage, deadlineAt, progressDeadlineMs }: OpenedDeployment): number | null {
  if (deadlineAt === null) return null;
  return Date.parse(deadlineAt) + (stage === 'monitor' ? progressDeadlineMs : 0);
}

/** When a replica that this deployment ordered has to be there; null for one that isn't judged: it is there, it isn't placed yet, the service had it
 *  before, or it is none of those that the service is to be left with (a lost one of the old release is made good meanwhile, too). A deadline that
 *  nobody judges would hold up all that come after it. The first pull of an image may take its time: nobody is judged before some replica was prepared. */
function healthyDeadline({ service, deployment, active }: Moving, standing: Standing): number | null {
  const { order, seen } = standing;
  const isOwn = deployment.orders.replicas.has(order.replicaId);
  if (!isOwn || deployment.failures.has(order.replicaId) || order.stopped || order.orderedAt === undefined || seen.nodeId === null || isThere(standing) || !isLive(standing)) return null;
  const aim = deployment.stages.has('return') ? service.stableRelease : active.toRelease;
  if (deployment.stage === 'prepare' || order.release !== aim || order.slot > service.replicas) return null;
  const preparedAt = deployment.stages.get('replace')?.beganAt ?? order.orderedAt;
  return Math.max(Date.parse(order.orderedAt), Date.parse(preparedAt)) + active.settings.healthyDeadlineMs;
}

/** Every deadline that the next plan may depend on. Milliseconds since the epoch. */
export function deadlinesOf(moving: Moving): readonly number[] {
  const { deployment, standing } = moving;
  const isWatched = deployment.stage === 'monitor' && standing.filter(isWanted).every(isThere);
  const watch = isWatched ? Date.parse(deployment.stages.get('monitor')!.deadlineAt!) : null;
  return [progressDeadline(deployment), watch, ...standing.map((each) => healthyDeadline(moving, each))].filter((at) => at !== null);
}

/** Those of the new replicas that have failed and whose failure isn't recorded yet: given up by their agents; not there in time; or no
 *  longer well while they were watched. What the service had before is not this deployment's failure. */
export function newFailures(moving: Moving, good: readonly Standing[]): RolloutPlan['failures'] {
  const { deployment } = moving;
  const own = good.filter(({ order }) => deployment.orders.replicas.has(order.replicaId) && !deployment.failures.has(order.replicaId));
  return own.flatMap((each) => {
    const reason = failureOf(moving, each);
    return reason ? [{ replicaId: each.order.replicaId, slot: each.order.slot, reason }] : [];
  });
}

function failureOf(moving: Moving, standing: Standing): Reason | null {
  const { seen } = standing;
  if (!isLive(standing)) return null;
  if (isGivenUp(seen)) return seen.reason ?? seen.failure ?? { code: 'replica_failed', message: `it is ${seen.state}` };
  if (moving.deployment.stage === 'monitor' && !isThere(standing) && seen.everSettled && !seen.nodeUnreachable) return lapsed(standing);
  const deadline = healthyDeadline(moving, standing);
  return isJudged(moving, deadline) ? late(moving, standing) : null;
}

/** It was well, and isn't. */
function lapsed({ seen }: Standing): Reason {
  if (seen.settled) return { code: 'unhealthy', message: `its check says ${seen.health}${seen.reason ? `: ${seen.reason.message}` : ''}` };
  return seen.failure ?? seen.reason ?? { code: 'replica_failed', message: `it is ${seen.state} in its run ${seen.run}` };
}

/** Why it isn't there yet gives the code, where anybody has said it. */
function late({ active }: Moving, { seen, checked }: Standing): Reason {
  const { healthyDeadlineMs, minHealthyMs } = active.settings;
  const what = `it was not ${checked ? 'healthy' : 'up'} for ${minHealthyMs} ms within ${healthyDeadlineMs} ms`;
  if (seen.nodeUnreachable) return { code: 'node_unreachable', message: `${what}; its node isn't heard from; outcome: unknown` };
  const cause = seen.failure ?? seen.reason;
  if (cause) return { code: cause.code, message: `${what}: ${cause.message}${probed(seen)}` };
  return { code: 'healthy_deadline', message: `${what}: it is ${seen.state}${checked ? `, ${seen.health}` : ''}${probed(seen)}` };
}

/** Its agent may give it up in the same moment, with the same words: whoever comes first, the last probe is told. */
const probed = ({ lastProbe }: ObservedReplica): string => (lastProbe === null ? '' : `; its last probe: ${lastProbe}`);

/** The first failure gives the code, so that a caller can match on the cause itself. */
export function failureReason({ failures }: OpenedDeployment): Reason {
  const [first] = failures.values();
  if (!first) return { code: 'replica_failed', message: 'a replica failed' };
  const more = failures.size > 1 ? ` (${failures.size} replicas failed)` : '';
  return { code: first.reason.code, message: `slot ${first.slot}: ${first.reason.message}${more}` };
}

/** A node that isn't heard from may run its replicas still: the deployment failed, what became of them is unknown. */
export function deadlineReason({ progressDeadlineMs }: OpenedDeployment, good: readonly Standing[], missing: readonly number[]): Reason {
  const since = `nothing went forward for ${progressDeadlineMs} ms`;
  const lacking = good.filter((each) => !isSettled(each) && !each.seen.finished).sort((a, b) => a.order.slot - b.order.slot);
  const unreachable = lacking.filter(({ seen }) => seen.nodeUnreachable).map(({ order }) => order.slot);
  if (unreachable.length) {
    const nodes = unreachable.length === 1 ? "its node isn't heard from" : "their nodes aren't heard from";
    return { code: 'node_unreachable', message: `${since}; ${slotsText(unreachable)}: ${nodes}; outcome: unknown` };
  }
  const told = lacking.find(({ seen }) => seen.failure ?? seen.reason ?? seen.lastProbe) ?? lacking[0];
  const cause = told?.seen.failure ?? told?.seen.reason;
  const why = told ? `; slot ${told.order.slot} is ${told.seen.state}${cause ? `: ${cause.message}` : ''}${probed(told.seen)}` : missing.length ? `; ${slotsText(missing)} could not be moved yet` : '';
  return { code: 'progress_deadline', message: `${since}${why}` };
}
