import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { upcast } from '#domain';
import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import { appendAll, OPERATOR } from './given/reads.ts';
import { observe, orderedService, place, registerNode, timeOf, type Story } from './given/story.ts';
import type { ReadModelStore } from './port.ts';
import { Projector } from './projector.ts';
import { rebuild } from './rebuild.ts';
import type { DocumentDifference } from './compare-documents.ts';
import { replay, type Replay } from './replay.ts';
import { openSqliteReadModels } from './sqlite.ts';
import { everyView } from './views.ts';
import { findAudit } from './views/audit.ts';
import { environments } from './views/environments.ts';
import { services } from './views/services.ts';

const parts = { clock: systemClock, random: systemRandom, logger: new MemoryLogger() };
let folder: string;
let store: MemoryEventStore;
let live: ReadModelStore;
let fresh: ReadModelStore;
let projectors: Projector[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-replay-'));
  store = new MemoryEventStore();
  live = await openSqliteReadModels({ ...parts, file: join(folder, 'live.db') });
  fresh = await openSqliteReadModels({ ...parts, file: join(folder, 'fresh.db') });
  projectors = everyView.map((view) => new Projector({ ...parts, store, models: live, view, upcast, batch: 3 }));
});
afterEach(async () => {
  for (const projector of projectors) await projector.stop();
  await live.close();
  await fresh.close();
  await rm(folder, { recursive: true });
});

/** A node, `web` with two replicas, and so many restarts of the first. */
function told(restarts = 3): Story {
  const story = orderedService();
  registerNode(story);
  for (const slot of [1, 2]) place(story, slot);
  for (let run = 1; run <= restarts; run += 1) observe(story, 1, 'RUNNING', { run });
  return story;
}

async function projected(story: Story, name = ''): Promise<void> {
  for (const projector of projectors) projector.start();
  await append(story, name);
  for (const projector of projectors) expect(await projector.waitFor(store.log.at(-1)!.position, 10_000)).toBe(true);
}

const append = (story: Story, name: string | number): Promise<void> => appendAll(store, story.events.map((event) => ({ ...event, id: `${event.id}-${name}` })));

/** What an operator's hand does to the file, past everything; `nodes_live` stands for the table that readers see. */
function byHand(...statements: string[]): void {
  const db = new DatabaseSync(join(folder, 'live.db'));
  for (const statement of statements) db.exec(statement.replaceAll(/(\w+)_live/g, (_, view: string) => tableOf(view)));
  db.close();
}

const tableOf = (view: string): string => `${view}_v${everyView.find(({ schema }) => schema.view === view)!.schema.version}000`;

async function replayed(more: Partial<Replay> = {}) {
  const found: DocumentDifference[] = [];
  const views = await replay({ store, live, fresh, views: everyView, upcast, onDifference: (difference) => found.push(difference), ...more });
  return { found, views, documents: views.reduce((sum, { documents }) => sum + documents, 0) };
}

describe('a replay', () => {
  it('finds no difference where there is none, and says what it compared', async () => {
    const story = told();
    await projected(story);
    const { found, views } = await replayed();
    expect(found).toEqual([]);
    const audit = views.find(({ view }) => view === 'audit');
    expect(audit).toEqual({ view: 'audit', events: story.events.length, documents: story.events.length, differences: 0, position: store.log.at(-1)!.position, unsettled: [] });
    expect(views).toHaveLength(everyView.length);
  });

  it('finds what was changed by hand, down to the member', async () => {
    await projected(told());
    byHand(`UPDATE services_live SET doc = json_set(doc, '$.desired', 7, '$.members.rep_2.run', 9) WHERE id = 'svc_web'`);
    expect((await replayed()).found).toEqual([
      { view: 'services', id: 'svc_web', path: '/desired', live: 7, replayed: 2 },
      { view: 'services', id: 'svc_web', path: '/members/rep_2/run', live: 9, replayed: 0 },
    ]);
  });

  it('finds what is missing, and what is there without any event', async () => {
    await projected(told());
    byHand(
      `DELETE FROM replicas_live WHERE id = 'rep_2'`,
      `INSERT INTO nodes_live SELECT 'node_ghost', position, json_set(doc, '$.id', 'node_ghost') FROM nodes_live WHERE id = 'node_a'`,
      `INSERT INTO audit_live SELECT '9999999999999999', '9999999999999999', json_set(doc, '$.id', '9999999999999999', '$.position', '9999999999999999') FROM audit_live LIMIT 1`,
    );
    const { found } = await replayed();
    expect(found).toEqual([
      { view: 'audit', id: '9999999999999999', path: '', live: expect.objectContaining({ what: 'DockerServiceCreated' }), replayed: undefined },
      { view: 'nodes', id: 'node_ghost', path: '', live: expect.objectContaining({ name: 'host-a' }), replayed: undefined },
      { view: 'replicas', id: 'rep_2', path: '', live: undefined, replayed: expect.objectContaining({ slot: 2 }) },
    ]);
  });

  it('finds a document that missed its last event', async () => {
    await projected(told(1));
    const db = new DatabaseSync(join(folder, 'live.db'));
    const before = db.prepare(`SELECT position, doc FROM ${tableOf('replicas')} WHERE id = 'rep_1'`).get()!;
    await projected(observedOnce(2), 'later');
    db.prepare(`UPDATE ${tableOf('replicas')} SET position = ?, doc = ? WHERE id = 'rep_1'`).run(before['position']!, before['doc']!);
    db.close();
    const { found } = await replayed();
    expect(found.length).toBeGreaterThan(0);
    expect(found).toContainEqual({ view: 'replicas', id: 'rep_1', path: '/position', live: before['position'], replayed: store.log.at(-1)!.position });
  });

  it('compares only what events of the range belong to, by position or by time', async () => {
    const story = told();
    await projected(story);
    byHand(`UPDATE services_live SET doc = json_set(doc, '$.desired', 7)`, `UPDATE nodes_live SET doc = json_set(doc, '$.name', 'x')`);
    const number = story.events.findIndex(({ type }) => type === 'NodeRegistered') + 1;
    const node = [{ view: 'nodes', id: 'node_a', path: '/name', live: 'x', replayed: 'host-a' }];
    const of = async (from: string, to: string) => {
      await dropFresh();
      return replayed({ range: { from, to } });
    };
    const byPosition = await of(store.log[number - 1]!.position, store.log[number - 1]!.position);
    expect(byPosition.found).toEqual(node);
    expect(byPosition.documents).toBe(2);
    expect((await of(timeOf(number), timeOf(number))).found).toEqual(node);
    expect((await of(timeOf(number + 1), '2027-01-01T00:00:00Z')).found).toMatchObject([{ view: 'services', path: '/desired' }]);
    expect((await of('2027-01-01', '2028-01-01')).documents).toBe(0);
    await expect(of('yesterday', '2028-01-01')).rejects.toThrow('"yesterday" is neither a position of the log nor an instant');
  });

  it('compares at the same position while the live views move, are rebuilt, and documents come and go', async () => {
    await projected(told(5));
    const environment = (type: 'EnvironmentCreated' | 'EnvironmentDeleted', number: number) =>
      ({ type, data: { environmentId: `env_${number}` as const, projectId: 'prj_shop' as const, name: 'e', networkId: `net_${number}` as const } }) as const;
    let moving = true;
    const traffic = (async () => {
      for (let run = 6; moving; run += 1) {
        const story = observedOnce(run);
        story.tell('project-prj_shop', environment('EnvironmentCreated', run).type, environment('EnvironmentCreated', run).data);
        story.tell('project-prj_shop', 'EnvironmentDeleted', environment('EnvironmentDeleted', run - 1).data);
        await append(story, run);
        if (run % 20 === 0) await rebuild({ store, models: live, view: run % 40 === 0 ? services : environments, upcast, logger: parts.logger });
        await systemClock.sleep(1);
      }
    })();
    try {
      for (let round = 0; round < 15; round += 1) {
        await dropFresh();
        const { found, views } = await replayed();
        expect(found).toEqual([]);
        expect(views.flatMap(({ unsettled }) => unsettled)).toEqual([]);
      }
    } finally {
      moving = false;
      await traffic;
    }
    const { items } = await findAudit({ models: live, liveness: { silent: () => false, lastHeardAt: () => null } }, OPERATOR, { limit: 1 });
    expect(Number(items[0]!.position)).toBeGreaterThan(50);
  }, 60_000);

  it('does not compare with a view that was never built', async () => {
    await expect(replayed()).rejects.toThrow('the view audit was never built');
  });

  it('ends when it is told to', async () => {
    await projected(told());
    await expect(replayed({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

/** One more observation of the first replica. */
function observedOnce(run: number): Story {
  const story = orderedService();
  story.events.splice(0);
  observe(story, 1, 'RUNNING', { run });
  return story;
}

async function dropFresh(): Promise<void> {
  await fresh.close();
  for (const part of ['', '-wal', '-shm']) await rm(join(folder, `fresh.db${part}`), { force: true });
  fresh = await openSqliteReadModels({ ...parts, file: join(folder, 'fresh.db') });
}
