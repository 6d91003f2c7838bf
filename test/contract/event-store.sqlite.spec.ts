import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventIdOf, openSqliteEventStore, type EventStore, type NewEvent, type Recorded } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { eventStoreContract } from '../../libs/event-store/contract.ts';
import { turnsIn } from './turns.ts';

const openAt = (file: string): Promise<EventStore> =>
  openSqliteEventStore({ file, clock: systemClock, random: systemRandom, logger: new MemoryLogger(), pollMs: 20 });

eventStoreContract('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-event-store-'));
  const handles: EventStore[] = [];
  const open = async (): Promise<EventStore> => {
    const store = await openAt(join(folder, 'nested', 'events.db'));
    handles.push(store);
    return store;
  };
  return {
    store: await open(),
    reopen: open,
    close: async () => {
      for (const store of handles) await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe('event store: sqlite, several processes on one file', () => {
  let folder: string;
  let file: string;
  let store: EventStore;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-event-store-'));
    file = join(folder, 'events.db');
    store = await openAt(file);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await store.close();
    await rm(folder, { recursive: true });
  });

  /** Runs `event-store.process.ts` from its source. */
  function start(...words: string[]): { child: ChildProcess; firstLine: Promise<string> } {
    const script = fileURLToPath(new URL('event-store.process.ts', import.meta.url));
    const flags = ['--conditions=source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
    const env = { PATH: process.env.PATH };
    const child = spawn(process.execPath, [...flags, script, file, ...words], { stdio: ['ignore', 'pipe', 'inherit'], env });
    children.push(child);
    return { child, firstLine: once(child.stdout!, 'data').then(([line]) => String(line).trim()) };
  }

  it('gives each revision to one of three processes that append at once, without a gap in the log', async () => {
    const processes = ['a', 'b', 'c'].map((name) => start('append', name, '60'));
    const lines = await Promise.all(processes.map(({ firstLine }) => firstLine));
    const answers = lines.map((line) => JSON.parse(line) as { storeId: string; conflicts: number });
    expect(answers.map(({ storeId }) => storeId)).toEqual(Array(3).fill(store.storeId));
    expect(answers.some(({ conflicts }) => conflicts > 0)).toBe(true);

    const found: Recorded[] = [];
    for await (const event of store.readStream('job-shared')) found.push(event);
    expect(found.map(({ revision }) => Number(revision))).toEqual(Array.from({ length: 180 }, (_, index) => index));
    expect(found.map(({ position }) => Number(position))).toEqual(Array.from({ length: 180 }, (_, index) => index + 1));
    for (const name of ['a', 'b', 'c']) {
      const own = found.filter(({ metadata }) => metadata.actor.id === name).map(({ data }) => (data as { index: number }).index);
      expect(own).toEqual(Array.from({ length: 60 }, (_, index) => index));
    }
  }, 30_000);

  it('goes on living while another process is frozen in the middle of a transaction, and writes when that thaws', async () => {
    const { child, firstLine } = start('hold');
    expect(await firstLine).toBe('holding');
    child.kill('SIGSTOP');

    const free = await turnsIn(500);
    let answered = false;
    const append = store.append('job-a', 'no-stream', [event]).then(() => (answered = true));
    const held = await turnsIn(1_500);
    expect(answered).toBe(false);
    expect((await store.readAll(null, { limit: 1 })).events).toEqual([]);
    // Each try waits 10 ms inside SQLite, and between two of them is time for others; waiting there for the lock would leave them one turn.
    expect(held / 3).toBeGreaterThan(free / 20);

    child.kill('SIGCONT');
    await append;
    expect((await store.readAll(null, { limit: 1 })).events).toHaveLength(1);
  }, 30_000);

  it('gets the lock of a process that was killed in the middle of a transaction', async () => {
    const { child, firstLine } = start('hold');
    expect(await firstLine).toBe('holding');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await store.append('job-a', 'no-stream', [event])).toMatchObject({ revision: 0n });
  }, 30_000);
});

const event: NewEvent = {
  id: eventIdOf('append', 'job-a', 0),
  type: 'Counted',
  data: {},
  metadata: {
    commandId: 'append',
    tenantId: 'platform',
    actor: { type: 'system', id: 'contract' },
    originId: null,
    correlationId: 'append',
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
};
