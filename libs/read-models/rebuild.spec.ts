import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { upcast } from '#domain';
import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import type { DocumentDifference } from './compare-documents.ts';
import type { ReadModelStore } from './port.ts';
import { Projector } from './projector.ts';
import { anyHistory } from './given/random-history.ts';
import { rebuild } from './rebuild.ts';
import { appendAll } from './given/reads.ts';
import { openSqliteReadModels } from './sqlite.ts';
import { observe, orderedService, place } from './given/story.ts';
import { foldDocument } from './view.ts';
import { everyView } from './views.ts';
import { services, type ServiceDocument } from './views/services.ts';

/** The first build of the present shape. */
const LIVE = services.schema.version * 1000;

let folder: string;
let store: MemoryEventStore;
const logger = new MemoryLogger();
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-rebuild-'));
  store = new MemoryEventStore();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

const open = async (file: string): Promise<ReadModelStore> => openSqliteReadModels({ file: join(folder, file), clock: systemClock, random: systemRandom, logger });

/** Every document of every live view, as the bytes in the file. */
function bytesIn(file: string): string[] {
  const db = new DatabaseSync(join(folder, file), { readOnly: true });
  const live = db.prepare('SELECT view, version FROM versions WHERE live ORDER BY view').all() as { view: string; version: number }[];
  const bytes = live.flatMap(({ view, version }) =>
    db.prepare(`SELECT doc FROM ${view}_v${version} WHERE doc IS NOT NULL ORDER BY id`).all().map(({ doc }) => `${view} ${String(doc)}`),
  );
  db.close();
  return bytes;
}

/** Follows the log with every view until `appends` are folded. */
async function follow(models: ReadModelStore, batch: number, appends: () => Promise<void>): Promise<void> {
  const projectors = everyView.map((view) => new Projector({ store, models, view, clock: systemClock, logger, upcast, batch }));
  for (const projector of projectors) projector.start();
  await appends();
  const position = store.log.at(-1)!.position;
  for (const projector of projectors) expect(await projector.waitFor(position, 10_000)).toBe(true);
  for (const projector of projectors) await projector.stop();
}

describe('documents', () => {
  it('are the same bytes whether they were folded live in any batches, from a dropped file, or beside the live view', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory(), fc.integer({ min: 1, max: 12 }), fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1 }), async (history, batch, cuts) => {
        store = new MemoryEventStore();
        for (const file of ['live.db', 'anew.db']) for (const part of ['', '-wal', '-shm']) await rm(join(folder, file + part), { force: true });

        const live = await open('live.db');
        await follow(live, batch, async () => {
          for (let at = 0, turn = 0; at < history.length; turn += 1) {
            const size = cuts[turn % cuts.length]!;
            await appendAll(store, history.slice(at, at + size));
            await new Promise((resolve) => setImmediate(resolve));
            at += size;
          }
        });
        const folded = bytesIn('live.db');
        const anew = await open('anew.db');
        await follow(anew, 200, async () => undefined);
        expect(bytesIn('anew.db')).toEqual(folded);

        for (const view of everyView) await rebuild({ store, models: live, view, upcast, logger, batch: cuts[0] });
        expect(bytesIn('live.db')).toEqual(folded);
        await Promise.all([live.close(), anew.close()]);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe('a rebuild', () => {
  const web = (models: ReadModelStore) => models.get<ServiceDocument>('services', 'svc_web');
  const parts = (models: ReadModelStore) => ({ store, models, view: services, upcast, logger });

  function crashLoop(restarts: number) {
    const story = orderedService();
    place(story, 1);
    for (let run = 1; run <= restarts; run += 1) observe(story, 1, 'RUNNING', { run });
    return story;
  }

  async function opened(): Promise<ReadModelStore> {
    const models = await open('read-models.db');
    closing.push(() => models.close());
    return models;
  }

  function following(models: ReadModelStore): Projector<ServiceDocument> {
    const projector = new Projector<ServiceDocument>({ ...parts(models), clock: systemClock, batch: 5 });
    projector.start();
    closing.push(() => projector.stop());
    return projector;
  }

  it('flips while events arrive, and the live view serves and follows all the time', async () => {
    const story = crashLoop(400);
    await appendAll(store, story.events.slice(0, 100));
    const models = await opened();
    const projector = following(models);
    await projector.waitUntilCaughtUp(5_000);

    let rebuilding = true;
    const built = rebuild({ ...parts(models), batch: 10 }).finally(() => (rebuilding = false));
    let position = '';
    for (let at = 100; at < story.events.length; at += 5) {
      await appendAll(store, story.events.slice(at, at + 5));
      const document = (await web(models))!;
      expect(document.position >= position).toBe(true);
      position = document.position;
    }
    expect((await built).version).toBe(LIVE + 1);
    expect(rebuilding).toBe(false);
    const last = store.log.at(-1)!.position;
    expect(await projector.waitFor(last, 5_000)).toBe(true);
    expect(await models.active('services')).toBe(LIVE + 1);
    expect(await models.checkpoint({ view: 'services', version: LIVE + 1 })).toBe(last);
    expect(await web(models)).toEqual(foldDocument<ServiceDocument>(services, story.events, 'svc_web'));
  });

  it('is one build for two that ask at once', async () => {
    const story = crashLoop(200);
    await appendAll(store, story.events);
    const models = await opened();
    await following(models).waitUntilCaughtUp(5_000);
    const both = await Promise.all([rebuild({ ...parts(models), batch: 7 }), rebuild({ ...parts(models), batch: 9 })]);
    expect(both.map(({ version }) => version)).toEqual([LIVE + 1, LIVE + 1]);
    expect(both[0].events + both[1].events).toBe(story.events.length);
    expect(await web(models)).toEqual(foldDocument<ServiceDocument>(services, story.events, 'svc_web'));
  });

  it('tells how the live documents differ from the log, before they go', async () => {
    const story = crashLoop(3);
    await appendAll(store, story.events);
    const models = await opened();
    const projector = following(models);
    await projector.waitFor(store.log.at(-1)!.position, 5_000);
    await projector.stop();
    const db = new DatabaseSync(join(folder, 'read-models.db'));
    db.exec(`UPDATE services_v${LIVE} SET doc = json_set(doc, '$.desired', 7)`);
    db.close();
    const differences: DocumentDifference[] = [];
    const rebuilt = await rebuild({ ...parts(models), onDifference: (difference) => differences.push(difference) });
    expect(differences).toEqual([{ view: 'services', id: 'svc_web', path: '/desired', live: 7, replayed: 2 }]);
    expect(rebuilt.compared).toEqual({ documents: 1, differences: 1, position: store.log.at(-1)!.position, unsettled: [] });
    expect((await web(models))!.desired).toBe(2);
    const again = await rebuild({ ...parts(models), onDifference: (difference) => differences.push(difference) });
    expect(again.compared).toMatchObject({ documents: 1, differences: 0 });
  });

  it('takes nothing for a difference that moves meanwhile, though two build at once', async () => {
    const story = crashLoop(300);
    await appendAll(store, story.events.slice(0, 100));
    const models = await opened();
    await following(models).waitUntilCaughtUp(5_000);
    const differences: DocumentDifference[] = [];
    const building = Promise.all([5, 9].map((batch) => rebuild({ ...parts(models), batch, onDifference: (difference) => differences.push(difference) })));
    for (let at = 100; at < story.events.length; at += 5) await appendAll(store, story.events.slice(at, at + 5));
    await building;
    expect(differences).toEqual([]);
  });

  it('goes on where one that crashed has ended', async () => {
    const story = crashLoop(50);
    await appendAll(store, story.events);
    const models = await opened();
    await following(models).waitUntilCaughtUp(5_000);
    let left = 20;
    const crashing = (event: (typeof story.events)[number]) => {
      left -= 1;
      if (left < 0) throw new Error('crash');
      return event;
    };
    await expect(rebuild({ ...parts(models), upcast: crashing, batch: 8 })).rejects.toThrow('crash');
    expect(await models.active('services')).toBe(LIVE);
    expect(await rebuild({ ...parts(models), batch: 8 })).toMatchObject({ version: LIVE + 1, events: story.events.length - 16 });
  });

  it('given up leaves the live view alone and no half of its own', async () => {
    const story = crashLoop(50);
    await appendAll(store, story.events);
    const models = await opened();
    await following(models).waitUntilCaughtUp(5_000);
    const giveUp = new AbortController();
    const abandoned = (event: (typeof story.events)[number]) => {
      giveUp.abort(new Error('given up'));
      return event;
    };
    await expect(rebuild({ ...parts(models), upcast: abandoned, batch: 8, signal: giveUp.signal })).rejects.toThrow('given up');
    expect(await models.active('services')).toBe(LIVE);
    expect(await models.checkpoint({ view: 'services', version: LIVE + 1 })).toBeNull();
    expect(await web(models)).not.toBeNull();
  });

  it('flips from what was folded from another event store, though that knew more', async () => {
    await appendAll(store, crashLoop(3).events);
    const models = await opened();
    const projector = following(models);
    await projector.waitFor(store.log.at(-1)!.position, 5_000);
    await projector.stop();
    expect(await rebuild({ ...parts(models), store: new MemoryEventStore() })).toEqual({ version: LIVE + 1, position: null, events: 0, compared: null });
    expect(await web(models)).toBeNull();
  });

  it('begins again what was begun from another event store', async () => {
    const story = crashLoop(50);
    await appendAll(store, story.events);
    const models = await opened();
    await following(models).waitUntilCaughtUp(5_000);
    const other = new MemoryEventStore();
    await appendAll(other, crashLoop(80).events);
    let left = 40;
    const crashing = (event: (typeof story.events)[number]) => {
      left -= 1;
      if (left < 0) throw new Error('crash');
      return event;
    };
    await expect(rebuild({ ...parts(models), store: other, upcast: crashing, batch: 8 })).rejects.toThrow('crash');
    expect(await rebuild(parts(models))).toMatchObject({ version: LIVE + 1, events: story.events.length });
    expect(await web(models)).toEqual(foldDocument<ServiceDocument>(services, story.events, 'svc_web'));
  });

  it('comes by itself when the documents have another shape now, and the old ones serve until then', async () => {
    const story = crashLoop(3);
    await appendAll(store, story.events);
    const models = await opened();
    const before = following(models);
    await before.waitFor(store.log.at(-1)!.position, 5_000);
    await before.stop();

    const newer = { ...services, schema: { ...services.schema, version: services.schema.version + 1 } };
    const projector = new Projector<ServiceDocument>({ ...parts(models), view: newer, clock: systemClock });
    projector.start();
    closing.push(() => projector.stop());
    expect(await web(models)).not.toBeNull();
    expect(await projector.waitUntilCaughtUp(5_000)).toBe(true);
    expect(await models.active('services')).toBe(LIVE + 1000);

    const older = following(models);
    expect(await older.waitUntilCaughtUp(100)).toBe(false);
    expect(older.degraded?.message).toContain('newer version');
  });
});
