import { join } from 'node:path';
import type { Owner } from '#domain';
import { openEventStore, type EventStore, type Recorded } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';

/** A command that a client was told of: done. */
export interface Acknowledged {
  readonly commandId: string;
  /** What a person would call it: `scale a to 3`. */
  readonly what: string;
  /** What must stand in the log under this command, and how often. */
  readonly events: Readonly<Record<string, number>>;
}

/** The event store of an installation, opened beside its apps. @param url where it isn't the file in its home. */
export const openLog = (home: string, url = `sqlite:${join(home, 'events.db')}`): Promise<EventStore> =>
  openEventStore(url, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() });

/** All of the log, in its order. */
export async function readLog(store: EventStore): Promise<Recorded[]> {
  const log: Recorded[] = [];
  for (let after: string | null = null; ; ) {
    const { events, next } = await store.readAll(after, { limit: 1000 });
    log.push(...events);
    if (next === null || next === after) return log;
    after = next;
  }
}

/** What is wrong with a log, in sentences; none where nothing was lost, doubled, or done twice. */
export const breaches = (log: readonly Recorded[], acknowledged: readonly Acknowledged[]): string[] => [
  ...outOfOrder(log),
  ...notOnce(log, acknowledged),
  ...doubled(log),
  ...namesHeld(log).breaches,
  ...slotsHeldTwice(log),
];

/** What was begun and has not ended: none once an installation is at rest. */
export const unfinished = (log: readonly Recorded[]): string[] => [
  ...withoutEnd(log, 'JobCreated', 'JobEnded', ({ stream }) => stream),
  ...withoutEnd(log, 'DeploymentStarted', 'DeploymentEnded', ({ data }) => (data as Data).deploymentId),
  ...withoutEnd(log, 'PlacementClaimed', 'PlacementSettled', ({ data }) => `${(data as Data).replicaId} attempt ${(data as Data).attempt}`),
];

/** What is still taken: none once everything was deleted. */
export const leftovers = (log: readonly Recorded[]): string[] => [
  ...withoutEnd(log, 'DockerServiceDeletionRequested', 'DockerServiceDeleted', ({ stream }) => stream),
  ...withoutEnd(log, 'ReplicaPlaced', 'ReplicaReleased', ({ data }) => (data as Data).replicaId),
  ...withoutEnd(log, 'EnvironmentDeleted', 'NetworkDeleted', networkIn),
  ...withoutEnd(log, 'NetworkDeleted', 'SubnetFreed', networkIn),
  ...[...namesHeld(log).holders].filter(([name]) => name.startsWith('docker_service|')).map(([name, holder]) => `${name} is still held by ${holder}`),
];

/** Positions only grow, revisions of a stream have no gap, an event stands once. */
function outOfOrder(log: readonly Recorded[]): string[] {
  const found: string[] = [];
  const next = new Map<string, bigint>();
  const ids = new Set<string>();
  log.forEach(({ id, type, stream, revision, position }, index) => {
    const before = log[index - 1];
    if (before && before.position >= position) found.push(`position ${position} comes after ${before.position}`);
    const expected = next.get(stream) ?? 0n;
    if (revision !== expected) found.push(`${stream} has ${type} at revision ${revision} where ${expected} was due`);
    next.set(stream, revision + 1n);
    if (ids.has(id)) found.push(`event ${id} (${type}) stands twice`);
    ids.add(id);
  });
  return found;
}

/** Each acknowledged command in the log, once. */
function notOnce(log: readonly Recorded[], acknowledged: readonly Acknowledged[]): string[] {
  const byCommand = Map.groupBy(log, ({ metadata }) => metadata.commandId);
  return acknowledged.flatMap(({ commandId, what, events }) =>
    Object.entries(events).flatMap(([type, times]) => {
      const count = (byCommand.get(commandId) ?? []).filter((event) => event.type === type).length;
      return count === times ? [] : [`"${what}" was acknowledged, and ${type} stands ${count} times instead of ${times} (command ${commandId})`];
    }),
  );
}

/** Of each of these, one and no more: the key tells one from another. */
const ONCE: Readonly<Record<string, (data: Data) => unknown[]>> = {
  DockerServiceCreated: ({ dockerServiceId }) => [dockerServiceId],
  DockerServiceDeletionRequested: () => [],
  DockerServiceDeleted: () => [],
  DeploymentStarted: ({ deploymentId }) => [deploymentId],
  DeploymentOpened: () => [],
  DeploymentClosed: () => [],
  DeploymentEnded: ({ deploymentId }) => [deploymentId],
  DeploymentReplicaFailed: ({ replicaId }) => [replicaId],
  ReplicaCreated: () => [],
  ReplicaAbandoned: () => [],
  PlacementClaimed: ({ attempt }) => [attempt],
  PlacementSettled: ({ attempt }) => [attempt],
  ReplicaObserved: ({ run, state, reason, subnet }) => [run, state, reason?.code, subnet],
  ObservationRefused: ({ run, state }) => [run, state],
  ReplicaPlaced: ({ replicaId }) => [replicaId],
  ReplicaReleased: ({ replicaId }) => [replicaId],
  JobCreated: () => [],
  JobAttemptStarted: () => [],
  JobEnded: () => [],
  EnvironmentCreated: ({ environmentId }) => [environmentId],
  EnvironmentDeleted: ({ environmentId }) => [environmentId],
  NetworkCreated: () => [],
  NetworkDeleted: () => [],
};

/** An event of these kinds twice in its stream; a replica twice for one generation of a slot, whatever it is called. */
function doubled(log: readonly Recorded[]): string[] {
  const seen = new Set<string>();
  const known = log.flatMap(({ stream, type, data }) => {
    const key = ONCE[type]?.(data as Data);
    const keys = key ? [JSON.stringify([stream, type, ...key])] : [];
    if (type === 'ReplicaCreated') keys.push(JSON.stringify([type, ownerOf(data as Data), 'slot and generation', (data as Data).slot, (data as Data).generation]));
    return keys;
  });
  return known.filter((key) => seen.has(key) || !seen.add(key)).map((key) => `twice: ${key}`);
}

/** A name belongs to one at a time. */
function namesHeld(log: readonly Recorded[]): { holders: Map<string, string>; breaches: string[] } {
  const holders = new Map<string, string>();
  const found: string[] = [];
  for (const { type, data } of log) {
    if (type !== 'NameClaimed' && type !== 'NameReleased') continue;
    const { scope, environmentId, name, holder } = data as Data;
    const key = [scope, environmentId, name].join('|');
    const before = holders.get(key);
    if (type === 'NameClaimed' && before !== undefined) found.push(`${key} was given to ${holder} while ${before} held it`);
    if (type === 'NameReleased' && before !== holder) found.push(`${key} was released by ${holder} while ${before} held it`);
    if (type === 'NameClaimed') holders.set(key, holder);
    else holders.delete(key);
  }
  return { holders, breaches: found };
}

/** A slot of one owner is placed again only after the one before it is gone. */
function slotsHeldTwice(log: readonly Recorded[]): string[] {
  const found: string[] = [];
  const holders = new Map<string, string>();
  for (const { type, data, position } of log) {
    const { replicaId, slot, state } = data as Data;
    if (type === 'ReplicaReleased' || (type === 'ReplicaObserved' && state === 'GONE')) {
      for (const [key, holder] of holders) if (holder === replicaId) holders.delete(key);
    } else if (type === 'ReplicaPlaced') {
      const key = `slot ${slot} of ${ownerOf(data as Data)}`;
      const holder = holders.get(key);
      if (holder !== undefined) found.push(`${key} was given to ${replicaId} while ${holder} had it (at ${position})`);
      holders.set(key, replicaId);
    }
  }
  return found;
}

/** Of what begins by one event and ends by another, what has no end. */
function withoutEnd(log: readonly Recorded[], begins: string, ends: string, key: (event: Recorded) => string): string[] {
  const ended = new Set(log.filter(({ type }) => type === ends).map(key));
  return log.filter((event) => event.type === begins && !ended.has(key(event))).map((event) => `${begins} of ${key(event)} has no ${ends}`);
}

/** The stream of the network that an event speaks of, from wherever it stands. */
const networkIn = ({ stream, data }: Recorded): string => ('networkId' in data ? `network-${data.networkId}` : stream);

const ownerOf = ({ owner }: Data): string => `${(owner as Owner).type} ${(owner as Owner).id}`;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- data of any event, as it stands in the log
type Data = any;
