import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upcast } from '#domain';
import type { Recorded } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import type { ReadModelStore } from './port.ts';
import { Projector, type ProjectorParts } from './projector.ts';
import { appendAll } from './given/reads.ts';
import { openSqliteReadModels } from './sqlite.ts';
import { observe, orderedService, place, type Story } from './given/story.ts';
import { foldDocument, type View } from './view.ts';
import { services, type ServiceDocument } from './views/services.ts';

/** The first build of the present shape. */
const LIVE = services.schema.version * 1000;

let folder: string;
let store: MemoryEventStore;
let logger: MemoryLogger;
const handles: ReadModelStore[] = [];
const running: Projector<ServiceDocument>[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-projector-'));
  store = new MemoryEventStore();
  logger = new MemoryLogger();
});
afterEach(async () => {
  for (const projector of running.splice(0)) await projector.stop();
  for (const models of handles.splice(0)) await models.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<ReadModelStore> {
  const models = await openSqliteReadModels({ file: join(folder, 'read-models.db'), clock: systemClock, random: systemRandom, logger });
  handles.push(models);
  return models;
}

function started(parts: Partial<ProjectorParts<ServiceDocument>> & { models: ReadModelStore }): Projector<ServiceDocument> {
  const projector = new Projector<ServiceDocument>({ store, view: services, clock: systemClock, logger, upcast, ...parts });
  running.push(projector);
  projector.start();
  return projector;
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

const last = (): string => store.log.at(-1)!.position;
const whole = (story: Story): ServiceDocument => foldDocument<ServiceDocument>(services, story.events, 'svc_web')!;
const web = (models: ReadModelStore): Promise<ServiceDocument | null> => models.get<ServiceDocument>('services', 'svc_web');

describe('a projector', () => {
  it('folds what was there and what comes, and says how far it is', async () => {
    const story = crashLoop(3);
    await appendAll(store, story.events.slice(0, 6));
    const models = await open();
    const projector = started({ models });
    expect(await projector.waitFor(last(), 5_000)).toBe(true);
    expect(await web(models)).toMatchObject({ name: 'web', members: { rep_1: { run: 0 } } });

    await appendAll(store, story.events.slice(6));
    expect(await projector.waitFor(last(), 5_000)).toBe(true);
    expect(await web(models)).toEqual(whole(story));
    expect(projector).toMatchObject({ position: last(), caughtUp: true, degraded: null, lag: 0 });
    expect(await models.checkpoint({ view: 'services', version: LIVE })).toBe(last());
  });

  it('is caught up with an empty log, and reaches events of other streams without writing', async () => {
    const models = await open();
    const projector = started({ models });
    expect(await projector.waitUntilCaughtUp(5_000)).toBe(true);
    expect(projector.position).toBeNull();
    await store.append('plan-small', 'any', [{ ...crashLoop(0).events[0]!, type: 'PlanDefined', revision: undefined } as never]);
    expect(await projector.waitFor(last(), 5_000)).toBe(true);
    expect(await models.checkpoint({ view: 'services', version: LIVE })).toBeNull();
  });

  it('gives a wait up in time', async () => {
    const projector = started({ models: await open() });
    await projector.waitUntilCaughtUp(5_000);
    expect(await projector.waitFor('9'.repeat(16), 30)).toBe(false);
  });

  it('goes on after its checkpoint when it was stopped between two batches', async () => {
    const story = crashLoop(10);
    await appendAll(store, story.events.slice(0, 15));
    const first = started({ models: await open(), batch: 4 });
    await first.waitFor(last(), 5_000);
    await first.stop();
    await appendAll(store, story.events.slice(15));

    const read: string[] = [];
    const models = await open();
    const second = started({ models, batch: 4, upcast: (event) => (read.push(event.position), event) });
    expect(await second.waitFor(last(), 5_000)).toBe(true);
    expect(read).toEqual(story.events.slice(15).map(({ position }) => position));
    expect(await web(models)).toEqual(whole(story));
  });

  it('folds a batch again, once, when it crashed before writing it', async () => {
    const story = crashLoop(10);
    await appendAll(store, story.events);
    const real = await open();
    let crashes = 3;
    const models: ReadModelStore = Object.create(real, {
      apply: {
        value: (...args: Parameters<ReadModelStore['apply']>) => {
          crashes -= 1;
          return crashes >= 0 ? Promise.reject(new Error('power cut')) : real.apply(...args);
        },
      },
    }) as ReadModelStore;
    const projector = started({ models, batch: 7 });
    expect(await projector.waitFor(last(), 10_000)).toBe(true);
    expect(await web(real)).toEqual(whole(story));
    expect(logger.messages('error')).toEqual(Array(3).fill('projection is held up'));
    expect(projector.degraded).toBeNull();
  });

  it('does not skip an event that it cannot fold: it stays degraded and tries again', async () => {
    const story = crashLoop(2);
    await appendAll(store, story.events);
    const broken = story.events[10]!.id;
    let heal = false;
    const models = await open();
    const evolve: View<ServiceDocument>['evolve'] = (doc, event, id) => {
      if (event.id === broken && !heal) throw new Error('a bug');
      return services.evolve(doc, event, id);
    };
    const projector = started({ models, batch: 3, view: { ...services, evolve } });
    expect(await projector.waitFor(last(), 300)).toBe(false);
    expect(projector).toMatchObject({ position: story.events[8]!.position, caughtUp: false, degraded: { message: 'a bug' } });
    expect(projector.lag).toBeGreaterThan(0);
    heal = true;
    expect(await projector.waitFor(last(), 5_000)).toBe(true);
    expect(await web(models)).toEqual(whole(story));
    expect(projector.degraded).toBeNull();
  });

  it('shares one file with another: each event is folded into the documents once', async () => {
    const story = crashLoop(60);
    const models = [await open(), await open()];
    const projectors = models.map((each, index) => started({ models: each, batch: 3 + index }));
    for (let at = 0; at < story.events.length; at += 10) {
      await appendAll(store, story.events.slice(at, at + 10));
      await systemClock.sleep(2);
    }
    for (const projector of projectors) expect(await projector.waitFor(last(), 10_000)).toBe(true);
    for (const each of models) expect(await web(each)).toEqual(whole(story));
    expect(logger.messages('error')).toEqual([]);
  });

  it('says when the log cannot be read, and recovers', async () => {
    const models = await open();
    let fail: (() => void) | undefined;
    const trouble = { degraded: new Error('no log') };
    const flaky = Object.create(store, {
      storeId: { value: store.storeId },
      follow: {
        value: async function* (...args: Parameters<MemoryEventStore['follow']>) {
          yield trouble;
          await new Promise<void>((resolve) => (fail = resolve));
          yield* store.follow(...args);
        },
      },
    }) as MemoryEventStore;
    await appendAll(store, crashLoop(0).events);
    const projector = started({ models, store: flaky });
    while (!projector.degraded || !fail) await systemClock.sleep(5);
    expect(projector).toMatchObject({ caughtUp: false, degraded: trouble.degraded });
    fail();
    expect(await projector.waitFor(last(), 5_000)).toBe(true);
    expect(projector.degraded).toBeNull();
  });

  it.each([
    ['folded from another event store', () => new MemoryEventStore(), 'this one is store_memory'],
    ['folded from more than the log has, which was put back', () => Object.defineProperty(new MemoryEventStore(), 'storeId', { value: store.storeId }), 'put back to an earlier state'],
  ])('builds documents anew that were %s, and says so', async (_, openAnother, why) => {
    await appendAll(store, crashLoop(30).events);
    const models = await open();
    const before = started({ models });
    expect(await before.waitFor(last(), 5_000)).toBe(true);
    await before.stop();

    const another = openAnother();
    const story = crashLoop(2);
    await appendAll(another, story.events.slice(0, -1));
    const projector = started({ models, store: another });
    expect(await projector.waitUntilCaughtUp(5_000)).toBe(true);
    expect(projector.position).toBe(another.log.at(-1)!.position);
    await appendAll(another, story.events.slice(-1));
    expect(await projector.waitFor(another.log.at(-1)!.position, 5_000)).toBe(true);
    expect(await web(models)).toEqual(whole(story));
    expect(logger.entries.filter(({ message }) => message === 'view is of another history, so it is built anew')).toMatchObject([
      { level: 'warn', fields: { view: 'services', version: LIVE, reason: expect.stringContaining(why) as string } },
    ]);
  });

  it('goes on where it was when it is started again on the same log', async () => {
    const models = await open();
    await appendAll(store, crashLoop(3).events);
    const first = started({ models });
    await first.waitFor(last(), 5_000);
    await first.stop();
    const second = started({ models, store: store.reopen() });
    expect(await second.waitUntilCaughtUp(5_000)).toBe(true);
    expect(await models.active('services')).toBe(LIVE);
    expect(logger.messages('warn')).toEqual([]);
  });

  it('upcasts what it reads', async () => {
    await appendAll(store, crashLoop(0).events);
    const models = await open();
    const renamed = (event: Recorded): Recorded => (event.type === 'DockerServiceCreated' ? { ...event, data: { ...event.data, name: 'renamed' } } : event);
    await started({ models, upcast: renamed }).waitFor(last(), 5_000);
    expect(await web(models)).toMatchObject({ name: 'renamed' });
  });
});
