import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EventStoreDBClient, jsonEvent, streamNameFilter, type EventData, type ResolvedEvent } from '@eventstore/db-client';
import { ProtocolServer } from '../eventstoredb-server/server.ts';

// The rules that the adapter leans on, as EventStoreDB documents them, seen by its own client.
describe("the server that speaks EventStoreDB's protocol", () => {
  let folder: string;
  let server: ProtocolServer;
  let client: EventStoreDBClient;
  const start = async (port?: number): Promise<void> => {
    server = await ProtocolServer.start({ file: join(folder, 'events.db'), port });
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-protocol-'));
    await start();
    client = EventStoreDBClient.connectionString(server.url);
  });
  afterEach(async () => {
    await client.dispose();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('compares ids at a revision that the stream has left, and nothing at the present one', async () => {
    const [first, second] = [event('a'), event('b')];
    await client.appendToStream('job-a', [first, second], { expectedRevision: 'no_stream' });
    const again = await client.appendToStream('job-a', [first, second], { expectedRevision: 'no_stream' });
    expect(again.nextExpectedRevision).toBe(1n);
    expect((await client.appendToStream('job-a', [second], { expectedRevision: 0n })).nextExpectedRevision).toBe(1n);
    await expect(client.appendToStream('job-a', [first, event('c')], { expectedRevision: 'no_stream' })).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
    expect(await names('job-a')).toEqual(['a', 'b']);
    await client.appendToStream('job-a', [second], { expectedRevision: 1n });
    expect(await names('job-a')).toEqual(['a', 'b', 'b']);
  });

  it('remembers the ids of appends at any, until it is started anew', async () => {
    const one = event('a');
    for (let times = 0; times < 3; times += 1) await client.appendToStream('job-a', one);
    expect(await names('job-a')).toEqual(['a']);
    const { port } = server;
    await server.stop();
    await start(port);
    await eventually(() => client.appendToStream('job-a', one));
    expect(await names('job-a')).toEqual(['a', 'a']);
  });

  it('begins a read at a position and a subscription after it, and reads backwards before it', async () => {
    await client.appendToStream('job-a', [event('a'), event('b'), event('c')]);
    const all = await collect(client.readAll());
    const fromPosition = all[1]!.event!.position!;
    const namesOf = (events: ResolvedEvent[]): unknown[] => events.map(({ event: it }) => (it!.data as { name: string }).name);
    expect(namesOf(all)).toEqual(['a', 'b', 'c']);
    expect(namesOf(await collect(client.readAll({ fromPosition })))).toEqual(['b', 'c']);
    expect(namesOf(await collect(client.readAll({ fromPosition, direction: 'backwards' })))).toEqual(['a']);
    expect(namesOf(await collect(client.readAll({ fromPosition: 'end', direction: 'backwards', maxCount: 2 })))).toEqual(['c', 'b']);
    expect(namesOf(await collect(client.readStream('job-a', { fromRevision: 'end', direction: 'backwards', maxCount: 2 })))).toEqual(['c', 'b']);
    expect(await told({ fromPosition }, 2)).toEqual(['c', 'caught up']);
  });

  it('says how far a filtered subscription is: behind each page, at the end where the last one began, and live after each window', async () => {
    for (let index = 0; index < 5; index += 1) await client.appendToStream(index === 1 ? 'job-a' : 'node-a', event(`e${index}`));
    const filter = { prefixes: ['job-'], maxSearchWindow: 2 };
    // Two pages of two; the fifth event is on the third page, which began behind the fourth.
    const heard = told({ filter }, 6);
    await pause(200);
    await client.appendToStream('node-a', event('live 1'));
    await client.appendToStream('node-a', event('live 2'));
    expect(await heard).toEqual(['e1', 'at 200/200', 'at 300/0', 'at 500/0', 'caught up', 'at 700/700']);
  });

  it('goes on from any of its checkpoints with the next event', async () => {
    for (let index = 0; index < 5; index += 1) await client.appendToStream('node-a', event(`e${index}`));
    expect(await told({ fromPosition: { commit: 300n, prepare: 0n } }, 4)).toEqual(['e2', 'e3', 'e4', 'caught up']);
    expect(await told({ fromPosition: { commit: 300n, prepare: 300n } }, 3)).toEqual(['e3', 'e4', 'caught up']);
    await expect(told({ fromPosition: { commit: 305n, prepare: 305n } }, 1)).rejects.toThrow('Invalid position');
  });

  it('lets a deleted stream begin again, above its old revisions, and a tombstone never', async () => {
    await client.appendToStream('job-a', [event('a'), event('b')]);
    await client.deleteStream('job-a', { expectedRevision: 1n });
    await expect(names('job-a')).rejects.toMatchObject({ type: 'stream-not-found' });
    expect((await client.appendToStream('job-a', event('c'), { expectedRevision: 'no_stream' })).nextExpectedRevision).toBe(2n);
    expect(await names('job-a')).toEqual(['c']);
    await expect(client.tombstoneStream('job-a', { expectedRevision: 7n })).rejects.toMatchObject({ type: 'wrong-expected-version' });
    await client.tombstoneStream('job-a');
    await expect(names('job-a')).rejects.toMatchObject({ type: 'stream-deleted' });
    await expect(client.appendToStream('job-a', event('d'))).rejects.toMatchObject({ type: 'stream-deleted' });
    // All of that is in the file.
    const { port } = server;
    await server.stop();
    await start(port);
    await eventually(() => collect(client.readAll({ maxCount: 1 })));
    await expect(names('job-a')).rejects.toMatchObject({ type: 'stream-deleted' });
  });

  const names = async (stream: string): Promise<string[]> =>
    (await collect(client.readStream(stream))).map(({ event: it }) => (it!.data as { name: string }).name);

  /** The first things that a subscription tells. */
  function told(options: { fromPosition?: { commit: bigint; prepare: bigint }; filter?: { prefixes: string[]; maxSearchWindow: number } }, count: number): Promise<string[]> {
    const heard: string[] = [];
    return new Promise<string[]>((resolve, reject) => {
      const hear = (text: string): void => void (heard.push(text) === count && resolve(heard));
      const checkpointReached = (_: unknown, { commit, prepare }: { commit: bigint; prepare: bigint }): void => hear(`at ${commit}/${prepare}`);
      const filter = options.filter && streamNameFilter({ ...options.filter, checkpointReached });
      const subscription = client.subscribeToAll({ fromPosition: options.fromPosition ?? 'start', filter });
      subscription.on('data', ({ event: it }) => hear((it!.data as { name: string }).name));
      subscription.on('caughtUp', () => hear('caught up'));
      subscription.on('error', reject);
    });
  }
});

const event = (name: string): EventData => jsonEvent({ id: randomUUID(), type: 'Counted', data: { name } });

async function collect(events: AsyncIterable<unknown>): Promise<ResolvedEvent[]> {
  const found: ResolvedEvent[] = [];
  for await (const one of events) found.push(one as ResolvedEvent);
  return found;
}

/** Until the connection is back. */
async function eventually(work: () => Promise<unknown>): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await pause(50);
    }
  }
}
