import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '#platform';
import { MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { eventIdOf } from './event-id.ts';
import { Conflict, OutcomeUnknown, Unavailable, type EventStore, type NewEvent, type Recorded } from './port.ts';
import { DuplicateEvent } from './sqlite-append.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { openSqliteEventStore } from './sqlite.ts';

// What any adapter must do is in contract.ts; here is what only this one promises.
describe('event store in one SQLite file', () => {
  let folder: string;
  let file: string;
  let clock: VirtualClock;
  let store: EventStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-sqlite-'));
    file = join(folder, 'events.db');
    clock = new VirtualClock();
    store = await openSqliteEventStore({ file, clock, random: seededRandom(3), logger: new MemoryLogger() });
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  const all = async (): Promise<Recorded[]> => (await store.readAll(null, { limit: 100 })).events;

  it('gives positions without gaps, also after appends that were refused', async () => {
    await store.append('job-a', 'no-stream', [event('a'), event('b')]);
    await expect(store.append('job-a', 'no-stream', [event('c')])).rejects.toBeInstanceOf(Conflict);
    await store.append('job-b', 'any', [event('d')]);
    expect((await all()).map(({ position }) => position)).toEqual(['00000000000000000001', '00000000000000000002', '00000000000000000003']);
  });

  it('judges each append of a group by itself, in the order of arrival', async () => {
    const outcomes = await Promise.allSettled([
      store.append('job-a', 'no-stream', [event('a')]),
      store.append('job-a', 'no-stream', [event('b')]),
      store.append('job-a', 0n, [event('c')]),
      store.append('job-b', 'exists', [event('d')]),
      store.append('job-b', 'any', [event('e')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { stream: 'job-a', expected: 'no-stream', actual: 0n } });
    expect((await all()).map(({ data }) => data)).toEqual([{ name: 'a' }, { name: 'c' }, { name: 'e' }]);
  });

  it('refuses an event id that stands elsewhere, and says where', async () => {
    await store.append('job-a', 'no-stream', [event('a'), event('b')]);
    const refusal = { eventId: event('b').id, stream: 'job-a', revision: 1n };
    await expect(store.append('job-b', 'any', [event('c'), event('b')])).rejects.toMatchObject(refusal);
    await expect(store.append('job-a', 1n, [event('b')])).rejects.toBeInstanceOf(DuplicateEvent);
    await expect(store.append('job-a', 'any', [event('b'), event('a')])).rejects.toBeInstanceOf(DuplicateEvent);
    await expect(store.append('job-c', 'any', [event('d'), event('d')])).rejects.toBeInstanceOf(RangeError);
    expect(await all()).toHaveLength(2);
  });

  it('calls it a conflict, and no duplicate, when a command was decided elsewhere to fewer events', async () => {
    await store.append('job-a', 'no-stream', [event('a')]);
    await expect(store.append('job-a', 'no-stream', [event('a'), event('b')])).rejects.toBeInstanceOf(Conflict);
  });

  it('refuses data that is no JSON without harm to the others of its group', async () => {
    const [bad, good] = await Promise.allSettled([
      Promise.resolve().then(() => store.append('job-a', 'any', [{ ...event('a'), data: { count: 1n } }])),
      store.append('job-a', 'any', [event('b')]),
    ]);
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('is unavailable, with nothing written, when another process keeps the lock', async () => {
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let failure: unknown = null;
    const append = store.append('job-a', 'any', [event('a')]).catch((error: unknown) => (failure = error));
    await clock.advance(4_900);
    expect(failure).toBeNull();
    await clock.advanceUntil(() => failure !== null, 500);
    await append;
    expect(failure).toBeInstanceOf(Unavailable);
    other.exec('ROLLBACK');
    other.close();
    expect(await all()).toEqual([]);
  });

  it('reads while another process keeps the lock', async () => {
    await store.append('job-a', 'any', [event('a')]);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    expect(await all()).toHaveLength(1);
    other.close();
  });

  it('does not know the outcome when the commit fails', async () => {
    const other = new DatabaseSync(file);
    // A deferred constraint is looked at by COMMIT only.
    other.exec(`
      CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER spoil AFTER INSERT ON events BEGIN INSERT INTO child VALUES (1); END;
    `);
    await expect(store.append('job-a', 'any', [event('a')])).rejects.toBeInstanceOf(OutcomeUnknown);
    other.exec('DROP TRIGGER spoil');
    other.close();
    expect(await store.append('job-a', 'no-stream', [event('a')])).toMatchObject({ revision: 0n });
  });

  it('answers what is on its way before it closes, refuses what comes later, and ends its followers', async () => {
    const follower = (async () => {
      for await (const followed of store.follow(null, undefined, new AbortController().signal)) if ('degraded' in followed) throw followed.degraded;
    })();
    await clock.settle();
    const append = store.append('job-a', 'any', [event('a')]);
    await store.close();
    await store.close();
    expect(await append).toMatchObject({ revision: 0n });
    await follower;
    await expect(store.append('job-a', 'any', [event('b')])).rejects.toBeInstanceOf(Unavailable);
    await expect(store.readAll(null, { limit: 1 })).rejects.toBeInstanceOf(Unavailable);
  });

  it('refuses a file that a newer version wrote', async () => {
    await store.close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(openSqliteEventStore({ file, clock, random: Math.random, logger: new MemoryLogger() })).rejects.toThrow('format 99');
  });

  it('refuses a position that it did not give', async () => {
    await expect(store.readAll('7', { limit: 1 })).rejects.toBeInstanceOf(RangeError);
  });

  it('has one id though many open a new file at once', async () => {
    const options = { file: join(folder, 'new.db'), clock: systemClock, random: Math.random, logger: new MemoryLogger() };
    const stores = await Promise.all(Array.from({ length: 5 }, () => openSqliteEventStore(options)));
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1);
    for (const each of stores) await each.close();
  });

  it('flushes each commit to the disk, and writes ahead so that readers never wait', async () => {
    const { db } = await openSqliteFile(file, clock, Math.random);
    const FULL = 2;
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: FULL });
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    db.close();
  });
});

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
