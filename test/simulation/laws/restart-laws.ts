import { LABELS, type ContainerState } from '#docker';
import type { ReplicaId, RestartPolicy } from '#domain';
import type { Host } from '../house/host.ts';
import type { Breach, World } from '../world.ts';
import type { ContainerTruth } from './truths.ts';

/** What a container that is started again is allowed to be by its restart policy; a job's attempt runs once. What was kept while its service
 *  was paused is started again whatever its policy says, with all of its retries anew. */
export function restartBreaches(world: World, host: Host, { labels }: ContainerState): Breach[] {
  const replicaId = labels[LABELS.replicaId] as ReplicaId;
  const truth = world.truths.on(host.name, replicaId);
  if (!truth || truth.startedAt.length < 2) return [];
  if (labels[LABELS.ownerType] === 'job') return [{ law: 'an attempt of a job runs once', what: `${replicaId} was started ${truth.startedAt.length} times` }];
  const policy = policyOf(world, replicaId);
  const why = policy && !world.ledger.rolls.wasPausedSinceOrdered(replicaId) ? whyNot(policy, truth, world.timeline.now) : null;
  return why === null ? [] : [{ law: 'nothing is restarted against its policy', what: `${replicaId} was started again under ${policy!.name}: ${why}` }];
}

/** Retries are counted within this time at least, in milliseconds. */
const COUNTED_MS = 600_000;

function whyNot({ name, maxRetries }: RestartPolicy, { lastEnd, startedAt }: ContainerTruth, now: number): string | null {
  const lately = startedAt.filter((at) => at > now - COUNTED_MS).length;
  if (maxRetries > 0 && lately - 1 > maxRetries) return `it was started ${lately} times, and ${maxRetries} retries are allowed`;
  if (name === 'no') return 'it was started before';
  if (!lastEnd || lastEnd.stoppedBy.has('agent')) return null;
  if (name === 'on-failure' && lastEnd.exitCode === 0) return 'it had done its work';
  if (name === 'unless-stopped' && lastEnd.stoppedBy.has('hand')) return 'somebody had stopped it';
  return null;
}

function policyOf({ ledger }: World, replicaId: ReplicaId): RestartPolicy | null {
  const replica = ledger.replicas.get(replicaId);
  const service = replica?.status === 'present' ? ledger.services.get(replica.owner.id) : undefined;
  if (replica?.status !== 'present' || service?.status !== 'present' || replica.release === null) return null;
  return service.releases.get(replica.release)?.restartPolicy ?? null;
}
