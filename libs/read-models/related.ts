import { streamOf, type StreamCategory, upcast } from '#domain';
import type { EventStore, Recorded } from '#event-store';
import type { Of } from './view.ts';

/** Where events are read from. */
export interface EventSource {
  readonly store: EventStore;
}

/** The events of a service and of all that was ordered for it, deployments and replicas, in the order of the log; none for what never was. */
export async function readRelated(source: EventSource, serviceId: string): Promise<Recorded[]> {
  const own = await readWhole(source, 'docker_service', serviceId);
  const deployments = await readEach(source, 'deployment', own.filter(isType('DeploymentStarted')).map(({ data }) => data.deploymentId));
  const replicas = await readEach(source, 'replica', [...own, ...deployments].flatMap(ordered));
  return [...own, ...deployments, ...replicas].sort((a, b) => (a.position < b.position ? -1 : 1));
}

/** One stream, whole. */
export async function readWhole({ store }: EventSource, category: StreamCategory, id: string): Promise<Recorded[]> {
  const events: Recorded[] = [];
  for await (const event of store.readStream(streamOf(category, id))) events.push(upcast(event));
  return events;
}

/** The events up to the first that was recorded after the instant (RFC 3339): a fold of them knows nothing of later. */
export function upTo(events: readonly Recorded[], instant: string): readonly Recorded[] {
  const until = Date.parse(instant);
  const later = events.findIndex(({ metadata }) => Date.parse(metadata.at) > until);
  return later < 0 ? events : events.slice(0, later);
}

const readEach = async (source: EventSource, category: StreamCategory, ids: readonly string[]): Promise<Recorded[]> =>
  (await Promise.all([...new Set(ids)].map((id) => readWhole(source, category, id)))).flat();

/** The replicas that an event orders into being. */
function ordered(event: Recorded): string[] {
  if (isType('ServiceStepTaken')(event) || isType('DeploymentStepTaken')(event)) return event.data.creates.map(({ replicaId }) => replicaId);
  return [];
}

const isType =
  <Type extends 'DeploymentStarted' | 'ServiceStepTaken' | 'DeploymentStepTaken'>(type: Type) =>
  (event: Recorded): event is Of<Type> =>
    event.type === type;
