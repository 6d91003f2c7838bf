import type { Actor, NodeId, ReplicaId, StreamCategory } from '#domain';
import type { Recorded } from '#event-store';
import type { Of } from '../view.ts';
import { causesOf } from './causes.ts';
import { kindsOf, type Kind } from './kinds.ts';
import type { Names } from './sentence.ts';
import { sentenceFor } from './sentences.ts';

/** One event of an explanation, in a sentence and in data. */
export interface ChainEntry {
  readonly at: string;
  readonly what: string;
  readonly why: string;
  readonly event_id: string;
  readonly type: string;
  /** What came of it for whom it is told of; null where it is only on the way there. */
  readonly kind: Kind | null;
  /** The `event_id` of the entry that it came of; null where none before it is told. */
  readonly caused_by: string | null;
  readonly by: Actor;
  /** Where it stands in the log. */
  readonly position: string;
  /** The replica that it tells of; null where it tells of none. */
  readonly replica_id: ReplicaId | null;
}

/** What is told of these events: those that are asked about, and whatever they came of, in the order of the log.
 *  @param events with all that may have caused them, from whichever streams; in any order, each once or more
 *  @param isAbout whether an event itself is asked about @param names of what none of the events names */
export function chainOf(events: readonly Recorded[], isAbout: (event: Recorded) => boolean, names: Partial<Names> = {}): readonly ChainEntry[] {
  const all = inOrder(events);
  const causes = causesOf(all);
  const byId = new Map(all.map((event) => [event.id, event]));
  const told = new Set<string>();
  for (const event of all) if (isAbout(event)) for (let id: string | undefined = event.id; id && !told.has(id); id = causes.get(id)) told.add(id);

  const known = namesIn(all, names);
  const kinds = kindsOf(all);
  const isEntry = (id: string): boolean => told.has(id) && sentenceFor(byId.get(id)!, known) !== null;
  return all.flatMap((event): ChainEntry[] => {
    const sentence = told.has(event.id) ? sentenceFor(event, known) : null;
    if (!sentence) return [];
    const { id: event_id, type, position, metadata: { at, actor: by } } = event;
    return [{ at, ...sentence, event_id, type, kind: kinds.get(event_id) ?? null, caused_by: ancestor(event_id, causes, isEntry), by, position, replica_id: replicaOf(event) }];
  });
}

/** The events in the order of the log, each once. */
export const inOrder = (events: readonly Recorded[]): readonly Recorded[] => [...new Map(events.map((event) => [event.position, event])).values()].sort((a, b) => (a.position < b.position ? -1 : 1));

/** Whether the event tells of a replica: in its own stream, on its node's, or in a batch that orders or stops it. */
export function tellsOf(replicaId: string, event: Recorded): boolean {
  const { creates = [], stops = [] } = event.data as Partial<Of<'ServiceStepTaken'>['data']>;
  return replicaOf(event) === replicaId || [...creates, ...stops].some((each) => each.replicaId === replicaId);
}

const replicaOf = ({ data }: Recorded): ReplicaId | null => ('replicaId' in data ? (data.replicaId as ReplicaId) : null);

/** The nearest cause that is told itself. */
function ancestor(eventId: string, causes: ReadonlyMap<string, string>, isEntry: (id: string) => boolean): string | null {
  let id = causes.get(eventId);
  while (id && !isEntry(id)) id = causes.get(id);
  return id ?? null;
}

/** What the events call things; what they don't, is called as `more` says, else by its id. */
function namesIn(events: readonly Recorded[], more: Partial<Names>): Names {
  const replicas = new Map<ReplicaId, string>();
  const nodes = new Map<NodeId, string>();
  for (const event of events) {
    const { data } = event as Recorded & { data: Partial<Of<'ReplicaCreated'>['data'] & Of<'PlacementClaimed'>['data']> };
    for (const { replicaId, slot, generation } of ordersIn(event)) replicas.set(replicaId, `slot ${slot} (generation ${generation})`);
    if (data.replicaId && data.slot !== undefined && data.generation !== undefined && data.owner) replicas.set(data.replicaId, labelOf(data.owner.type, data.slot, data.generation));
    if (event.type === 'JobAttemptStarted') replicas.set((event as Of<'JobAttemptStarted'>).data.replicaId, `attempt ${(event as Of<'JobAttemptStarted'>).data.attempt}`);
    for (const { nodeId, name } of data.nodes ?? []) nodes.set(nodeId, name);
    if (event.type === 'NodeRegistered' || event.type === 'NodeFactsChanged') nodes.set(event.stream.slice('node-'.length) as NodeId, (event as Of<'NodeFactsChanged'>).data.name);
  }
  return { replica: (id) => replicas.get(id) ?? more.replica?.(id) ?? id, node: (id) => nodes.get(id) ?? more.node?.(id) ?? id };
}

/** `slot 2 (generation 1)`, `attempt 1`: what people call a replica of such an owner. */
export const labelOf = (owner: StreamCategory, slot: number, generation: number): string => (owner === 'job' ? `attempt ${generation}` : `slot ${slot} (generation ${generation})`);

const ordersIn = (event: Recorded) =>
  event.type === 'ServiceStepTaken' || event.type === 'DeploymentStepTaken' ? (event as Of<'ServiceStepTaken' | 'DeploymentStepTaken'>).data.creates : [];
