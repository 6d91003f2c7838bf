import fc from 'fast-check';
import type { Collection } from 'mongodb';
import { Transient } from '#contracts';
import { upcast } from '#domain';
import type { Recorded } from '#event-store';
import { MongoConnection } from '#mongodb';
import { everyView, openReadModelStore, openSqliteReadModels, Projector, type ReadModelStore } from '#read-models';
import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import { readModelContract } from '../../libs/read-models/contract.ts';
import { foldBatch } from '../../libs/read-models/fold-batch.ts';
import { anyHistory } from '../../libs/read-models/given/random-history.ts';
import { appendAll } from '../../libs/read-models/given/reads.ts';
import { observe, orderedService, place, type Story } from '../../libs/read-models/given/story.ts';
import type { Stored } from '../../libs/read-models/mongodb-document.ts';
import { MongoVersions } from '../../libs/read-models/mongodb-versions.ts';
import { findEvery } from '../../libs/read-models/reads.ts';
import { prepareBuild } from '../../libs/read-models/versions.ts';
import { mongoForTests, type TestDatabase } from '../mongodb-server/mongo-for-tests.ts';

const parts = { clock: systemClock, random: systemRandom, logger: new MemoryLogger() };
const mongo = await mongoForTests();

if ('missing' in mongo) {
  describe('read models: MongoDB', () => {
    it.skip(`was NOT tried: ${mongo.missing}`, () => undefined);
  });
} else {
  afterAll(() => mongo.close());
  const openAt = (url: string): Promise<ReadModelStore> => openReadModelStore(url, parts);

  readModelContract(`MongoDB (${mongo.name})`, async () => {
    const database = mongo.database();
    const handles: ReadModelStore[] = [];
    const reopen = async (): Promise<ReadModelStore> => {
      const models = await openAt(database.url);
      handles.push(models);
      return models;
    };
    return {
      models: await reopen(),
      reopen,
      close: async () => {
        for (const models of handles) await models.close();
        await database.drop();
      },
    };
  });

  describe('read models: MongoDB among processes', () => {
    let database: TestDatabase;
    let models: ReadModelStore;
    let other: ReadModelStore;
    const ref = { view: 'boats', version: 1 };
    const boat = (position: string, name: string) => ({ put: { id: 'ada', position, name } });
    const collections = async (): Promise<string[]> => (await database.db.listCollections().toArray()).map(({ name }) => name).filter((name) => name.startsWith('boats_'));
    const documents = async (): Promise<Collection<Stored>> => database.db.collection((await collections())[0]!);

    beforeEach(async () => {
      database = mongo.database();
      [models, other] = [await openAt(database.url), await openAt(database.url)];
      await models.prepare({ ...ref, indexes: [['harbour', 'name'], ['owner_id']] });
      await models.activate('boats', 1);
    });
    afterEach(async () => {
      await models.close();
      await other.close();
      await database.drop();
    });

    it('has the indexes of the view’s file, each with the id at its end', async () => {
      const keys = (await (await documents()).indexes()).map(({ key }) => Object.keys(key).join(' '));
      expect(keys).toEqual(expect.arrayContaining(['_id', 'fields.harbour fields.name id', 'fields.owner_id id']));
    });

    it('takes over from a writer that died between its documents and the checkpoint, and nothing it wrote is doubled', async () => {
      await models.apply(ref, null, '1', [boat('1', 'first')]);
      const views = database.db.collection<{ _id: string }>('views');
      await views.updateOne({ _id: 'boats' }, { $set: { 'versions.v1.writing': { by: 'dead', upTo: '3' } } });
      await (await documents()).replaceOne({ _id: 'ada' }, { id: 'ada', position: '3', fields: { name: 'by the dead one' }, rest: '{}' });
      const before = systemClock.monotonic();
      expect(await other.apply(ref, '1', '2', [boat('2', 'older')])).toBe('applied');
      expect(systemClock.monotonic() - before).toBeGreaterThan(2_000);
      expect(await other.get('boats', 'ada')).toMatchObject({ position: '3', name: 'by the dead one' });
      expect(await other.checkpoint(ref)).toBe('2');
    });

    it('does not let a writer that was taken for dead move the checkpoint', async () => {
      const versions = new MongoVersions(database, parts);
      const slow = (await versions.claim(ref, null, '5'))!;
      expect(await other.apply(ref, null, '2', [boat('2', 'on time')])).toBe('applied');
      expect(await versions.commit(ref, slow.by, '5')).toBe(false);
      expect(await models.checkpoint(ref)).toBe('2');
    });

    it('replaces something older that another writer brought in meanwhile', async () => {
      await (await documents()).insertOne({ _id: 'ada', position: '1', id: 'ada', fields: {}, rest: '{}' });
      expect(await models.apply(ref, null, '2', [boat('2', 'newer')])).toBe('applied');
      expect(await models.get('boats', 'ada')).toMatchObject({ name: 'newer' });
    });

    it('clears away what versions left behind, and nothing else', async () => {
      await database.db.collection('boats_v9_orphan').insertOne({ left: 'behind' });
      await database.db.collection('boats_of_others').insertOne({ not: 'ours' });
      await models.prepare({ ...ref, version: 2, indexes: [] });
      await models.apply({ ...ref, version: 2 }, null, '1', [boat('1', 'new')]);
      await models.activate('boats', 2);
      const left = await collections();
      expect(left).toHaveLength(2);
      expect(left).toContain('boats_of_others');
      expect(left.find((name) => name !== 'boats_of_others')).toMatch(/^boats_v2_/);
    });

    it('reads without a gap while versions are flipped', async () => {
      await models.apply(ref, null, '1', [boat('1', 'always')]);
      let flipping = true;
      const seen: unknown[] = [];
      const reading = (async () => {
        while (flipping) seen.push(await other.get('boats', 'ada'), (await other.find('boats', { limit: 5 })).items.length);
      })();
      for (let version = 2; version <= 8; version += 1) {
        await models.prepare({ ...ref, version, indexes: [] });
        await models.apply({ ...ref, version }, null, '1', [boat('1', 'always')]);
        await models.activate('boats', version);
      }
      flipping = false;
      await reading;
      expect(seen.filter((found) => found === null || found === 0)).toEqual([]);
    });

    it('finds nothing but names of fields in a query', async () => {
      await expect(models.prepare({ view: '$boats', version: 1, indexes: [] })).rejects.toThrow('not a name');
      await expect(models.find('boats', { eq: { $where: 'true' }, limit: 1 })).rejects.toThrow('not a name');
    });
  });

  describe('views on MongoDB', () => {
    it('answer to the byte what they answer on SQLite, for every history', async () => {
      await fc.assert(
        fc.asyncProperty(anyHistory(), async (history) => {
          const database = mongo.database();
          const both = [await openAt(database.url), await openSqliteReadModels({ file: ':memory:', ...parts })];
          for (const models of both) await foldEvery(models, history);
          const [onMongo, onSqlite] = await Promise.all(both.map(everything));
          expect(onMongo).toEqual(onSqlite);
          for (const models of both) await models.close();
          await database.drop();
        }),
        { numRuns: 5 },
      );
    }, 120_000);
  });

  (mongo.server ? describe : describe.skip)('read models: MongoDB that goes and comes back', () => {
    const server = mongo.server!;
    let database: TestDatabase;
    let models: ReadModelStore;
    let store: MemoryEventStore;
    let projectors: Projector[];

    beforeEach(async () => {
      database = mongo.database();
      models = await openAt(database.url);
      store = new MemoryEventStore();
      projectors = everyView.map((view) => new Projector({ store, models, view, upcast, batch: 7, ...parts }));
    });
    afterEach(async () => {
      for (const projector of projectors) await projector.stop();
      await models.close();
      await database.drop();
    });

    const last = (): string => store.log.at(-1)!.position;
    const caughtUp = async (): Promise<void> => {
      const reached = await Promise.all(projectors.map((projector) => projector.waitFor(last(), 30_000)));
      expect(reached).toEqual(projectors.map(() => true));
    };
    /** Each event once in the audit, and every document as a fold on SQLite has it. */
    const expectEverything = async (): Promise<void> => {
      const sqlite = await openSqliteReadModels({ file: ':memory:', ...parts });
      await foldEvery(sqlite, store.log);
      const found = await everything(models);
      expect(found).toEqual(await everything(sqlite));
      expect(found.filter((line) => line.startsWith('audit '))).toHaveLength(store.log.length);
      await sqlite.close();
    };

    it('loses and doubles nothing when it is killed while projecting, and projectors say degraded meanwhile', async () => {
      const story = crashLoop(150).events;
      for (const projector of projectors) projector.start();
      await appendAll(store, story.slice(0, 60));
      await caughtUp();
      await appendAll(store, story.slice(60, 100));
      await server.kill();
      await appendAll(store, story.slice(100, 200));
      const services = projectors.find(({ name }) => name === 'services')!;
      await until(() => services.degraded !== null);
      expect(services).toMatchObject({ caughtUp: false, degraded: { code: 'read_models.unavailable' } });
      await expect(models.get('services', 'svc_web')).rejects.toMatchObject({ code: 'read_models.unavailable' });
      await expect(models.find('services', { limit: 1 })).rejects.toBeInstanceOf(Transient);
      await server.restart();
      await appendAll(store, story.slice(200));
      await caughtUp();
      expect(projectors.map(({ degraded }) => degraded)).toEqual(projectors.map(() => null));
      await expectEverything();
    }, 90_000);

    it('loses and doubles nothing when it is killed over and over, at moments of chance', async () => {
      const story = crashLoop(200).events;
      for (const projector of projectors) projector.start();
      for (let at = 0, turn = 0; at < story.length; at += 40, turn += 1) {
        await appendAll(store, story.slice(at, at + 40));
        if (turn % 3 !== 2) continue;
        await systemClock.sleep(50 + systemRandom() * 250);
        await server.kill();
        await server.restart();
      }
      await caughtUp();
      await expectEverything();
    }, 120_000);

    it('is noticed while it hangs, and picked up where it was', async () => {
      for (const projector of projectors) projector.start();
      await appendAll(store, orderedService().events);
      await caughtUp();
      server.freeze();
      try {
        await appendAll(store, crashLoop(5).events);
        await until(() => projectors.some(({ degraded }) => degraded !== null));
      } finally {
        server.thaw();
      }
      await caughtUp();
      await expectEverything();
    }, 90_000);

    it('is found again where the driver has lost it', async () => {
      const logger = new MemoryLogger();
      const connection = new MongoConnection({ url: database.url, database: 'waybill', ...parts, logger });
      const answers = (): Promise<boolean> => connection.ask(() => connection.db.command({ ping: 1 })).then(() => true, () => false);
      try {
        expect(await answers()).toBe(true);
        loseHeartbeat(connection);
        await until(() => lostHeartbeats > 0);
        // In the middle of a request: only then the driver takes the server for away, and leaves it to its monitor to find it again.
        server.freeze();
        const asked = answers();
        await systemClock.sleep(50);
        await server.kill();
        expect(await asked).toBe(false);
        await server.restart();
        await until(answers);
        expect(logger.messages('warn').filter((message) => message.includes('has lost its server'))).toHaveLength(1);
      } finally {
        await connection.close();
      }
    }, 60_000);

    it('may come up after those who use it', async () => {
      await server.kill();
      for (const projector of projectors) projector.start();
      await appendAll(store, orderedService().events);
      await until(() => projectors.every(({ degraded }) => degraded !== null));
      await server.restart();
      await caughtUp();
      await expectEverything();
    }, 60_000);
  });
}

let lostHeartbeats = 0;

/** What happens by itself at moments of chance: the other side closes the monitor's socket just before the next heartbeat is written to it. */
function loseHeartbeat({ client }: MongoConnection): void {
  type Monitor = { connection: { socket: { destroy(): void }; throwIfAborted(): void } };
  const { topology } = client as unknown as { topology: { s: { servers: Map<string, { monitor: Monitor }> } } };
  for (const { monitor: { connection } } of topology.s.servers.values()) {
    connection.throwIfAborted = () => {
      connection.socket.destroy();
      lostHeartbeats += 1;
    };
  }
}

/** `web` up, then in a crash loop of so many restarts. */
function crashLoop(restarts: number): Story {
  const story = orderedService();
  for (const slot of [1, 2]) place(story, slot);
  for (let run = 1; run <= restarts; run += 1) {
    observe(story, 1, 'RUNNING', { run });
    observe(story, 1, 'FAILED', { run, exitCode: run });
  }
  return story;
}

/** Every view folded from these events. */
async function foldEvery(models: ReadModelStore, events: readonly Recorded[]): Promise<void> {
  for (const view of everyView) {
    const ref = await prepareBuild(models, view.schema, 1);
    await models.activate(ref.view, 1);
    const own = events.filter(({ stream }) => view.prefixes?.some((prefix) => stream.startsWith(prefix)) ?? true);
    if (own.length > 0) await models.apply(ref, null, own.at(-1)!.position, await foldBatch(models, ref, view, own));
  }
}

/** Every document of every view, as the bytes that a client would get. */
async function everything(models: ReadModelStore): Promise<string[]> {
  const lines: string[] = [];
  for (const { schema } of everyView) for (const document of await findEvery(({ models }), schema.view, {})) lines.push(`${schema.view} ${JSON.stringify(document)}`);
  return lines;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 20_000;
  while (!(await condition())) {
    if (systemClock.monotonic() > deadline) throw new Error('not so within 20 s');
    await systemClock.sleep(10);
  }
}
