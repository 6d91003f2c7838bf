import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { EventStoreDBClient } from '@eventstore/db-client';
import type { CommandMetadata, Decider } from '#domain';
import { AggregateStore, Conflict, eventIdOf, OutcomeUnknown, Unavailable, type EventStore, type NewEvent, type Position, type Recorded } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { openEventStoreDb } from '../../libs/event-store/eventstoredb.ts';
import type { AppendFault } from '../eventstoredb-server/faults.ts';
import { ServerProcess } from '../eventstoredb-server/process.ts';
import { ProtocolServer, type ServerOptions } from '../eventstoredb-server/server.ts';

// Processes are started, and silences waited out.
jest.setTimeout(30_000);

let folder: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-eventstoredb-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(folder, { recursive: true });
});

async function serve(options: Partial<ServerOptions> = {}): Promise<ProtocolServer> {
  const server = await ProtocolServer.start({ file: join(folder, 'events.db'), ...options });
  ends.push(() => server.stop());
  return server;
}

async function openAt(url: string, logger = new MemoryLogger()): Promise<EventStore> {
  const store = await openEventStoreDb({ url, clock: systemClock, random: systemRandom, logger });
  ends.push(() => store.close());
  return store;
}

describe('an append whose answer is lost', () => {
  /** As a caller does that wants its events to stand: again and again, the same. */
  async function surely(store: EventStore, stream: string, events: NewEvent[]): Promise<{ answer: unknown; failures: string[] }> {
    const failures: string[] = [];
    for (;;) {
      try {
        return { answer: await store.append(stream, 'no-stream', events), failures };
      } catch (error) {
        if (!(error instanceof Unavailable || error instanceof OutcomeUnknown)) throw error;
        failures.push(error.constructor.name);
        await pause(20);
      }
    }
  }

  const faults: [AppendFault, string[]][] = [
    ['lose answer', []],
    ['time out', []],
    ['not ready', ['Unavailable']],
  ];
  it.each(faults)('stands once and is answered: %s', async (fault, expected) => {
    const server = await serve();
    const store = await openAt(server.url);
    server.faults.next(fault);
    const { answer, failures } = await surely(store, 'job-a', events('a', 3));
    expect(answer).toMatchObject({ revision: 2n });
    expect(failures).toEqual(expected);
    expect((await streamOf(store, 'job-a')).map(({ id }) => id)).toEqual(events('a', 3).map(({ id }) => id));
  });

  it.each(['lose request', 'land late'] as const)('is of unknown outcome while nothing stands, and stands once in the end: %s', async (fault) => {
    const server = await serve();
    const store = await openAt(server.url);
    server.faults.next(fault);
    await expect(store.append('job-a', 'no-stream', events('a', 3))).rejects.toBeInstanceOf(OutcomeUnknown);
    expect((await surely(store, 'job-a', events('a', 3))).answer).toMatchObject({ revision: 2n });
    await pause(300);
    expect(await streamOf(store, 'job-a')).toHaveLength(3);
  });

  it('is looked for when the server stays silent for longer than the deadline', async () => {
    const server = await serve();
    const store = await openAt(`${server.url}&defaultDeadline=300`);
    server.faults.next('stay silent');
    expect(await store.append('job-a', 'no-stream', events('a', 2))).toMatchObject({ revision: 1n });
  });

  it('is found at a revision, and behind others at any', async () => {
    const server = await serve();
    const store = await openAt(server.url);
    await store.append('job-a', 'any', events('before', 4));
    server.faults.next('lose answer');
    const { position } = await store.append('job-a', 3n, events('a', 2));
    server.faults.next('lose answer');
    expect(await store.append('job-a', 'any', events('b', 2))).toMatchObject({ revision: 7n });
    const found = await streamOf(store, 'job-a');
    expect(found.map(({ data }) => (data as { name: string }).name)).toEqual(['before-0', 'before-1', 'before-2', 'before-3', 'a-0', 'a-1', 'b-0', 'b-1']);
    expect(found[5]!.position).toBe(position);
  });

  it('is a conflict when another stands there by then', async () => {
    const server = await serve();
    const store = await openAt(server.url);
    server.faults.next('land late');
    await store.append('job-a', 'no-stream', events('late', 1)).catch(() => undefined);
    expect(await store.append('job-a', 'no-stream', events('other', 1))).toMatchObject({ revision: 0n });
    await pause(300);
    await expect(store.append('job-a', 'no-stream', events('late', 1))).rejects.toBeInstanceOf(Conflict);
    expect(await streamOf(store, 'job-a')).toHaveLength(1);
  });

  it('is carried out once by every command, while connections are cut again and again', async () => {
    const server = await serve();
    const store = await openAt(server.url);
    const aggregates = new AggregateStore({ store, clock: systemClock, random: systemRandom, upcast: (event) => event, schemaOf: () => 1 });
    const follower = follow(store, null);
    let done = false;
    const cutting = (async () => {
      for (let cuts = 0; !done; cuts += 1) {
        if (cuts % 3 === 0) server.faults.next('land late', 'lose answer', 'lose request');
        server.cut();
        await pause(200);
      }
    })();
    const commands = Array.from({ length: 100 }, (_, index) => index);
    await Promise.all(
      commands.map(async (index) => {
        for (let left = 5; ; left -= 1) {
          try {
            return await aggregates.handle(counter, `job-${index % 5}`, { type: 'Count', data: {} }, commandMetadata(`c${index}`));
          } catch (error) {
            // Busy at the deadline: the same command once more finds out.
            if (left === 0) throw error;
          }
        }
      }),
    );
    done = true;
    await cutting;
    await pause(300);

    const all = await everything(store);
    expect(all.map(({ metadata }) => metadata.commandId).sort()).toEqual(commands.map((index) => `c${index}`).sort());
    await eventually(() => follower.events.length >= all.length);
    expect(follower.events.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    await follower.stop();
  });
});

describe('a server that is killed', () => {
  it('leaves subscriptions degraded, and they go on without gap or double when it is back, with and without a filter', async () => {
    const file = join(folder, 'events.db');
    let server = await ServerProcess.start(file);
    ends.push(() => server.kill());
    const { port } = server;
    const store = await openAt(server.url);
    const followers = [follow(store, null), follow(store, null, ['job-'])];
    await store.append('job-a', 'no-stream', events('a', 40));
    await store.append('node-a', 'no-stream', events('n', 40));
    await eventually(() => followers.every(({ caughtUp, events }) => caughtUp.length > 0 && events.length >= 40));

    await server.kill();
    await eventually(() => followers.every(({ degraded }) => degraded.length > 0));
    await expect(store.append('job-a', 39n, events('lost', 1))).rejects.toBeInstanceOf(Unavailable);
    await expect(store.readAll(null, { limit: 1 })).rejects.toBeInstanceOf(Unavailable);
    const before = followers.map(({ caughtUp }) => caughtUp.length);

    server = await ServerProcess.start(file, port);
    // Said anew, though nothing is new.
    await eventually(() => followers.every(({ caughtUp }, index) => caughtUp.length > before[index]!));
    await store.append('job-a', 39n, events('b', 40));
    await eventually(() => followers[0]!.events.length >= 120 && followers[1]!.events.length >= 80);
    const all = (await everything(store)).map(({ id }) => id);
    expect(all).toHaveLength(120);
    expect(followers[0]!.events.map(({ id }) => id)).toEqual(all);
    expect(followers[1]!.events.map(({ id }) => id)).toEqual((await streamOf(store, 'job-a')).map(({ id }) => id));
  });

  it('is waited for when the store is opened', async () => {
    const first = await ProtocolServer.start({ file: join(folder, 'events.db') });
    await first.stop();
    const logger = new MemoryLogger();
    const opening = openAt(first.url, logger);
    await eventually(() => logger.messages('warn').length > 1);
    await serve({ port: first.port });
    expect((await opening).storeId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('knows the history by its id again, and another one by another', async () => {
    const server = await serve();
    const ids = await Promise.all(Array.from({ length: 5 }, () => openAt(server.url))).then((stores) => stores.map(({ storeId }) => storeId));
    expect(new Set(ids).size).toBe(1);
    const other = await serve({ file: join(folder, 'other.db') });
    expect((await openAt(other.url)).storeId).not.toBe(ids[0]);
  });
});

describe('a cluster', () => {
  /** Two members on one history; the second follows the first. */
  async function cluster(): Promise<[ProtocolServer, ProtocolServer]> {
    const [one, two] = [await serve(), await serve()];
    const follow = (follower: ProtocolServer, leader: ProtocolServer): void => {
      follower.faults.leader = { host: '127.0.0.1', port: leader.port };
    };
    follow(two, one);
    return [one, two];
  }

  it('is followed to its leader by appends, reads and subscriptions', async () => {
    const [leader, follower] = await cluster();
    const store = await openAt(follower.url);
    const following = follow(store, null);
    expect(await store.append('job-a', 'no-stream', events('a', 2))).toMatchObject({ revision: 1n });
    await eventually(() => following.events.length === 2);
    // Through the leader: nothing works any more once that one is gone.
    await leader.stop();
    await expect(store.append('job-a', 1n, events('b', 1))).rejects.toThrow();
  });

  it('is followed to the next leader, without gap or double', async () => {
    const [one, two] = await cluster();
    const store = await openAt(one.url);
    const following = follow(store, null, ['job-']);
    await store.append('job-a', 'no-stream', events('a', 2));
    await eventually(() => following.events.length === 2);
    one.faults.leader = { host: '127.0.0.1', port: two.port };
    two.faults.leader = null;
    await store.append('job-a', 1n, events('b', 2));
    await store.append('job-a', 3n, events('c', 2));
    one.cut();
    await eventually(() => following.events.length === 6);
    expect(following.events.map(({ revision }) => Number(revision))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is unavailable while its members only name each other', async () => {
    const [one, two] = await cluster();
    const store = await openAt(one.url);
    one.faults.leader = { host: '127.0.0.1', port: two.port };
    await expect(store.append('job-a', 'no-stream', events('a', 1))).rejects.toBeInstanceOf(Unavailable);
    one.faults.leader = null;
    expect(await store.append('job-a', 'no-stream', events('a', 1))).toMatchObject({ revision: 0n });
  });

  it('is found by gossip', async () => {
    const [one, two] = await cluster();
    one.members = two.members = [
      { host: '127.0.0.1', port: two.port, isLeader: false },
      { host: '127.0.0.1', port: one.port, isLeader: true },
    ];
    const store = await openAt(`esdb://127.0.0.1:${two.port},127.0.0.1:${one.port}?tls=false`);
    expect(await store.append('job-a', 'no-stream', events('a', 1))).toMatchObject({ revision: 0n });
    const discovered = await openAt(`esdb+discover://127.0.0.1:${two.port}?tls=false`);
    expect(await streamOf(discovered, 'job-a')).toHaveLength(1);
  });
});

describe('TLS and credentials', () => {
  it('are taken from the URL, and wrong ones turned down', async () => {
    const { certificateFile, ...tls } = await certificate();
    const server = await serve({ tls, credentials: { username: 'admin', password: 'change:it' } });
    const at = (who: string): string => `esdb://${who}localhost:${server.port}?tlsCAFile=${certificateFile}`;
    const store = await openAt(at('admin:change%3Ait@'));
    expect(await store.append('job-a', 'no-stream', events('a', 1))).toMatchObject({ revision: 0n });
    await expect(openAt(at('admin:wrong@'))).rejects.toThrow('Access Denied');
  });

  it('may be TLS alone: all appends then share one call, and are as exact', async () => {
    const { certificateFile, ...tls } = await certificate();
    const server = await serve({ tls });
    const store = await openAt(`esdb://localhost:${server.port}?tlsCAFile=${certificateFile}&defaultDeadline=500`);
    expect(await store.append('job-a', 'no-stream', events('a', 2))).toMatchObject({ revision: 1n });
    await expect(store.append('job-a', 'no-stream', events('b', 1))).rejects.toMatchObject({ expected: 'no-stream', actual: 1n });
    await expect(store.append('job-b', 4n, events('b', 1))).rejects.toMatchObject({ expected: 4n, actual: null });
    server.faults.next('lose answer', 'stay silent');
    expect(await store.append('job-a', 1n, events('c', 1))).toMatchObject({ revision: 2n });
    expect(await store.append('job-a', 2n, events('d', 1))).toMatchObject({ revision: 3n });
    expect(await streamOf(store, 'job-a')).toHaveLength(4);
  });

  /** Made anew each time, for this machine only. */
  async function certificate(): Promise<{ certificate: Buffer; key: Buffer; certificateFile: string }> {
    const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', [...request, '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certificateFile], { stdio: 'ignore' });
    return { certificate: await readFile(certificateFile), key: await readFile(keyFile), certificateFile };
  }
});

describe('what an operator does to streams', () => {
  it('reads a deleted stream as none, and passes over what the server writes of it', async () => {
    const server = await serve();
    const store = await openAt(server.url);
    const client = EventStoreDBClient.connectionString(server.url);
    ends.push(() => client.dispose());
    for (const stream of ['job-a', 'job-b', 'job-c']) await store.append(stream, 'no-stream', events(stream, 2));
    await client.deleteStream('job-a');
    await client.tombstoneStream('job-b');
    expect(await streamOf(store, 'job-a')).toEqual([]);
    await expect(streamOf(store, 'job-b')).rejects.toThrow('deleted');
    await expect(store.append('job-b', 1n, events('x', 1))).rejects.not.toBeInstanceOf(OutcomeUnknown);
    expect(await store.append('job-a', 'no-stream', events('again', 1))).toMatchObject({ revision: 2n });
    expect((await everything(store)).map(({ type }) => type)).toEqual(Array(7).fill('Counted'));
  });
});

// —— what the specs are made of ——

const event = (name: string): NewEvent => ({
  id: eventIdOf(name, 'spec', 0),
  type: 'Counted',
  data: { name },
  metadata: {
    commandId: name,
    tenantId: 'platform',
    actor: { type: 'system', id: 'spec' },
    originId: null,
    correlationId: name,
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
});

const events = (name: string, count: number): NewEvent[] => Array.from({ length: count }, (_, index) => event(`${name}-${index}`));

const commandMetadata = (commandId: string): CommandMetadata =>
  ({ commandId, tenantId: 'platform', actor: { type: 'system', id: 'spec' }, originId: null, correlationId: commandId, causationId: null, now: 0 }) as CommandMetadata;

const counter: Decider<number, { type: 'Count'; data: object }, { type: 'Counted'; data: { n: number } }> = {
  initial: 0,
  evolve: (state) => state + 1,
  decide: (state) => [{ type: 'Counted', data: { n: state } }],
};

async function streamOf(store: EventStore, stream: string): Promise<Recorded[]> {
  const found: Recorded[] = [];
  for await (const one of store.readStream(stream)) found.push(one);
  return found;
}

async function everything(store: EventStore): Promise<Recorded[]> {
  const found: Recorded[] = [];
  for (let after: Position | null = null; ; ) {
    const { events: page, next }: { events: Recorded[]; next: Position | null } = await store.readAll(after, { limit: 50 });
    found.push(...page);
    if (next === after) return found;
    after = next;
  }
}

function follow(store: EventStore, after: Position | null, prefixes?: string[]) {
  const abort = new AbortController();
  const heard = { events: [] as Recorded[], caughtUp: [] as (Position | null)[], degraded: [] as Error[] };
  const ended = (async () => {
    for await (const followed of store.follow(after, prefixes, abort.signal)) {
      if ('event' in followed) heard.events.push(followed.event);
      else if ('caughtUp' in followed) heard.caughtUp.push(followed.caughtUp);
      else heard.degraded.push(followed.degraded);
    }
  })();
  const stop = (): Promise<void> => (abort.abort(), ended);
  ends.push(stop);
  return { ...heard, stop };
}

async function eventually(condition: () => boolean): Promise<void> {
  for (let left = 1_000; !condition(); left -= 1) {
    if (left === 0) throw new Error('it did not come so within 10 s');
    await pause(10);
  }
}
