import { streamOf, type StreamCategory, upcast } from '#domain';
import type { EventStore, Recorded } from '#event-store';
import type { Of } from './view.ts';

/** Where events are read from. */
export interface EventSource {
  readonly store: EventStore;
}

/** The events of a service, job or schedule and of all that was ordered for it, deployments and replicas, in the order of the log;
 *  none for what never was.
 *  @param until an instant (RFC 3339): of each stream only what was recorded by then, so that later orders aren't even looked for */
export async function readRelated(source: EventSource, ownerId: string, until?: string): Promise<Recorded[]> {
  const own = await readWhole(source, categoryOf(ownerId), ownerId, until);
  const deployments = await readEach(source, 'deployment', own.filter(isType('DeploymentStarted')).map(({ data }) => data.deploymentId), until);
  const replicas = await readEach(source, 'replica', [...own, ...deployments].flatMap(ordered), until);
  return inOrder([...own, ...deployments, ...replicas]);
}

const OWNERS: Readonly<Record<string, StreamCategory>> = { job: 'job', sch: 'schedule' };
const categoryOf = (ownerId: string): StreamCategory => OWNERS[ownerId.split('_')[0]!] ?? 'docker_service';

/** One stream, whole, or up to the first event that was recorded after `until`. */
export async function readWhole({ store }: EventSource, category: StreamCategory, id: string, until?: string): Promise<Recorded[]> {
  const last = until === undefined ? Infinity : Date.parse(until);
  const events: Recorded[] = [];
  for await (const event of store.readStream(streamOf(category, id))) {
    if (Date.parse(event.metadata.at) > last) break;
    events.push(upcast(event));
  }
  return events;
}

/** Many streams of one category. */
export const readEach = async (source: EventSource, category: StreamCategory, ids: readonly string[], until?: string): Promise<Recorded[]> =>
  (await Promise.all([...new Set(ids)].map((id) => readWhole(source, category, id, until)))).flat();

/** As the log has them. */
export const inOrder = (events: Recorded[]): Recorded[] => events.sort((a, b) => (a.position < b.position ? -1 : 1));

/** The replicas that an event orders into being. */
function ordered(event: Recorded): string[] {
  if (isType('ServiceStepTaken')(event) || isType('DeploymentStepTaken')(event)) return event.data.creates.map(({ replicaId }) => replicaId);
  return [];
}

/** Whether an event is of a type. */
export const isType =
  <Type extends 'DeploymentStarted' | 'DeploymentOpened' | 'JobAttemptStarted' | 'ServiceStepTaken' | 'DeploymentStepTaken' | 'PlacementSettled'>(type: Type) =>
  (event: Recorded): event is Of<Type> =>
    event.type === type;
