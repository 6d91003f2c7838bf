import { observedOf, readService } from '#application';
import { awaitedBy, WAITING, type Awaited, type ExistingDockerService, type Foreseen, type Reason } from '#domain';
import type { AggregateStore } from '#event-store';

/** What replicas that are still to be started would wait for first: a service that they depend on, none of whose replicas is well at present. Where a
 *  replica would go is decided when it may start. */
export async function waitingWarnings(aggregates: AggregateStore, { releases }: ExistingDockerService, { placements }: Foreseen): Promise<readonly Reason[]> {
  const coming = new Set(placements.flatMap(({ replicaId, release }) => (replicaId === null && release !== null ? [release] : [])));
  const awaited = new Map([...coming].flatMap((release) => awaitedBy(releases.get(release)!)).map((each) => [each.dockerServiceId, each]));
  const warnings = await Promise.all([...awaited.values()].map(async (each) => ((await isWell(aggregates, each)) ? [] : [warning(each)])));
  return warnings.flat();
}

async function isWell(aggregates: AggregateStore, { dockerServiceId }: Awaited): Promise<boolean> {
  const reading = await readService(aggregates, dockerServiceId);
  return (reading?.replicas ?? []).map(observedOf).some(({ state, health, gone, nodeUnreachable }) => (state === 'RUNNING' || state === 'SETTLED') && (health === 'healthy' || health === 'unknown') && !gone && !nodeUnreachable);
}

const warning = ({ dockerServiceId, name }: Awaited): Reason => ({
  code: `placement.${WAITING}`,
  message: `no replica would start before the dependency ${name} (${dockerServiceId}) has one that is healthy, and it has none at present: GET /v1/docker-services/${dockerServiceId}/explain says why`,
});
