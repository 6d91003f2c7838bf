import { streamOf, upcast, type NodeEvent, type NodeId, type ReplicaId } from '#domain';
import type { EventStore, Recorded } from '#event-store';
import type { Page, Query } from '../port.ts';
import type { Reads } from '../reads.ts';
import type { AuditDocument } from '../views/audit.ts';
import type { Of } from '../view.ts';
import { eventOf, newlyFollowed } from './followed.ts';

/** Where explanations are read from: the audit view says which events there are, and the log itself what they say. */
export interface ExplainSource extends Reads {
  readonly store: EventStore;
  /** What a node came to, the latest of it: registered, drained, unreachable, removed; without what it holds. In the order of the log. */
  nodeStory(nodeId: NodeId): readonly Recorded[];
  /** Why a node's agent refuses what it is told, as it was heard last; null where it takes it. No event tells of it. */
  refusing(nodeId: NodeId): string | null;
  /** What the last probe of a replica that isn't well said, as its agent knows; null where it doesn't. No event tells of it before a deadline is judged. */
  lastProbe(nodeId: NodeId, replicaId: ReplicaId): Promise<string | null>;
}

/** The events that a node's story is made of. */
export const NODE_STORY: ReadonlySet<string> = new Set<NodeEvent['type']>([
  'NodeRegistered', 'NodeFactsChanged', 'NodeDrained', 'NodeActivated', 'NodeUnreachable', 'NodeReachable', 'NodeAdopted', 'NodeRemoved',
]);

/** How far back an explanation goes. */
export interface Reach {
  /** Events that are looked at, the latest; 100 unless told otherwise, at most 500. */
  readonly limit?: number;
  /** A position: only what came before it. */
  readonly before?: string;
}

/** Events that were found, and where to go on for those before them; null where there are none. */
export interface Window {
  readonly events: readonly Recorded[];
  readonly earlier: string | null;
}

const DEFAULT_EVENTS = 100;
export const MOST_EVENTS = 500;

/** What events are looked for: those of an owner or of one thing; where it is said, those that belong to one of its deployments. */
export interface Search {
  readonly eq: NonNullable<Query['eq']>;
  readonly span?: Span;
}

/** Clocks of several machines wrote these events: only the log says what came first. */
export interface Span {
  readonly deploymentId: string;
  /** RFC 3339: what was written with its start is told, too. */
  readonly startedAt: string;
  /** The position of its end; null while it goes on. */
  readonly upTo: string | null;
}

/** The latest events that the audit view finds, in the order of the log. However old the thing is, this reads no more than so many. */
export async function windowOf(source: ExplainSource, { eq, span }: Search, { limit = DEFAULT_EVENTS, before }: Reach = {}): Promise<Window> {
  const upTo = span?.upTo ?? null;
  const range = before !== undefined && (upTo === null || before <= upTo) ? { field: 'id', lt: before } : upTo !== null ? { field: 'id', lte: upTo } : undefined;
  const page = await source.models.find<AuditDocument>('audit', { eq, range, sort: { field: 'id', descending: true }, limit: Math.min(limit, MOST_EVENTS) });
  const entries = span === undefined ? page.items : page.items.filter(since(span, page));
  const isWhole = page.next === null || entries.length < page.items.length;
  return { events: await readEach(source.store, entries), earlier: isWhole ? null : entries.at(-1)!.position };
}

/** Where the page begins after the start, and has more before it, all of it came since. */
function since({ deploymentId, startedAt }: Span, { items, next }: Page<AuditDocument>): (entry: AuditDocument) => boolean {
  const start = items.find(({ what, data }) => what === 'DeploymentStarted' && (data as { readonly deployment_id?: unknown }).deployment_id === deploymentId);
  if (!start && next !== null) return () => true;
  return ({ at, position }) => at === startedAt || (start !== undefined && position >= start.position);
}

/** So many events of a stream that aren't wanted are read rather than asking for the stream once more. */
const GAP = 8;

async function readEach(store: EventStore, entries: readonly Pick<AuditDocument, 'stream' | 'revision'>[]): Promise<readonly Recorded[]> {
  const streams = Map.groupBy(entries, ({ stream }) => stream);
  const runs = [...streams].flatMap(([stream, found]) => runsOf(found.map(({ revision }) => revision)).map((wanted) => ({ stream, wanted })));
  return (await Promise.all(runs.map((run) => readRun(store, run.stream, run.wanted)))).flat();
}

/** Revisions that are read at once, each list in order. */
function runsOf(revisions: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const revision of [...revisions].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && revision - run.at(-1)! <= GAP) run.push(revision);
    else runs.push([revision]);
  }
  return runs;
}

async function readRun(store: EventStore, stream: string, wanted: readonly number[]): Promise<readonly Recorded[]> {
  const [first, last] = [wanted[0]!, wanted.at(-1)!];
  const chosen = new Set(wanted);
  const events: Recorded[] = [];
  for await (const event of store.readStream(stream, { from: BigInt(first), limit: last - first + 1 })) if (chosen.has(Number(event.revision))) events.push(upcast(event));
  return events;
}

/** What other streams may have to do with these events: their nodes, the hooks that they name with the containers of those, and what a release was cut for. */
export async function around(source: ExplainSource, events: readonly Recorded[]): Promise<readonly Recorded[]> {
  const nodes = new Set(events.flatMap(({ data }) => ('nodeId' in data && typeof data.nodeId === 'string' ? [data.nodeId as NodeId] : [])));
  const [hooks, followed] = await Promise.all([hooksIn(source.store, events), followedIn(source.store, events)]);
  return [...[...nodes].flatMap((nodeId) => source.nodeStory(nodeId)), ...hooks, ...followed];
}

/** At most so many hooks and versions, the latest, and of each stream so many events: hooks have few. */
const MOST = 20;
const PER_STREAM = 200;

/** The jobs that stages ran, and what came of the attempts that they ended with. */
async function hooksIn(store: EventStore, events: readonly Recorded[]): Promise<readonly Recorded[]> {
  const jobs = new Set(events.flatMap((event) => (event.type === 'DeploymentStageBegan' ? ((event as Of<'DeploymentStageBegan'>).data.jobId ?? []) : [])));
  const told = (await Promise.all([...jobs].slice(-MOST).map((id) => readWindow(store, streamOf('job', id))))).flat();
  const attempts = new Map(told.flatMap((event) => (event.type === 'JobAttemptStarted' ? [[event.stream, (event as Of<'JobAttemptStarted'>).data.replicaId] as const] : [])));
  return [...told, ...(await Promise.all([...attempts.values()].map((id) => readWindow(store, streamOf('replica', id))))).flat()];
}

/** The versions that releases were cut for. */
async function followedIn(store: EventStore, events: readonly Recorded[]): Promise<readonly Recorded[]> {
  const places = new Map<string, { readonly stream: string; readonly revision: number }>();
  const latest = new Map<string, Recorded>();
  for (const event of [...events].sort((a, b) => (a.position < b.position ? -1 : 1))) {
    for (const place of newlyFollowed(event, latest.get(event.stream)).flatMap((each) => eventOf(each) ?? [])) places.set(`${place.stream} ${place.revision}`, place);
    if (event.type === 'ReleaseCut') latest.set(event.stream, event);
  }
  return (await Promise.all([...places.values()].slice(-MOST).map(({ stream, revision }) => readRun(store, stream, [revision])))).flat();
}

async function readWindow(store: EventStore, stream: string, from = 0): Promise<readonly Recorded[]> {
  const events: Recorded[] = [];
  for await (const event of store.readStream(stream, { from: BigInt(from), limit: PER_STREAM })) events.push(upcast(event));
  return events;
}

/** A node's story as it was kept, with what its stream has just said: whoever keeps it may be a moment behind. @param revision of its stream, as far as it is known */
export async function storyOf({ store, nodeStory }: ExplainSource, nodeId: NodeId, revision: number): Promise<readonly Recorded[]> {
  const latest = await readWindow(store, streamOf('node', nodeId), Math.max(0, revision + 1 - PER_STREAM));
  const all = new Map([...nodeStory(nodeId), ...latest].filter(({ type }) => NODE_STORY.has(type)).map((event) => [event.position, event]));
  return [...all.values()].sort((a, b) => (a.position < b.position ? -1 : 1));
}
