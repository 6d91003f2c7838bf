import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { upcast } from '#domain';
import { openSqliteEventStore } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { everyView, openReadModelStore, Projector, views, type ViewName } from '#read-models';
import { MemoryLogger } from '#testing';
import { appendAll } from '../../libs/read-models/given/reads.ts';
import { observe, orderedService, place, registerNode } from '../../libs/read-models/given/story.ts';
import type { Stored } from '../../libs/read-models/mongodb-document.ts';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const parts = { clock: systemClock, random: systemRandom, logger: new MemoryLogger() };
const mongo = await mongoForTests();
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'waybill-replay-'));
});
afterEach(() => rm(home, { recursive: true }));
if ('close' in mongo) afterAll(() => mongo.close());

/** `npm run replay`, from the sources. */
const replay = (readModelUrl: string, ...args: string[]): Promise<{ code: number; lines: string[]; complaint: string }> =>
  new Promise((resolve) => {
    const flags = ['--disable-warning=ExperimentalWarning', '--experimental-transform-types', '--conditions=source', 'deploy/replay.ts', ...args];
    const env = { PATH: process.env.PATH, WAYBILL_HOME: home, READ_MODEL_URL: readModelUrl };
    execFile(process.execPath, flags, { cwd: root, env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), lines: stdout.trim().split('\n'), complaint: stderr });
    });
  });

/** A log and its views as the gateway leaves them: a node, and a service of two replicas. @returns the log's last position. */
async function install(readModelUrl: string): Promise<string> {
  const story = orderedService();
  registerNode(story);
  place(story, 1);
  observe(story, 1, 'RUNNING');
  const store = await openSqliteEventStore({ ...parts, file: join(home, 'events.db') });
  await appendAll(store, story.events);
  const models = await openReadModelStore(readModelUrl, parts);
  const projectors = everyView.map((view) => new Projector({ ...parts, store, models, view, upcast }));
  for (const projector of projectors) projector.start();
  for (const projector of projectors) expect(await projector.waitUntilCaughtUp(20_000)).toBe(true);
  for (const projector of projectors) await projector.stop();
  const position = (await models.checkpoint({ view: 'audit', version: (await models.active('audit'))! }))!;
  await models.close();
  await store.close();
  return position;
}

const live = (view: ViewName): string => `v${views[view].schema.version}000`;

/** Changes a service, loses a replica, and makes up a node. */
interface Hand {
  readonly url: () => string;
  readonly act: () => Promise<void>;
  readonly leave: () => Promise<void>;
}

function findsWhatAHandDid(name: string, hand: () => Hand): void {
  describe(`the replay command on ${name}`, () => {
    it('says that nothing differs, and then what a hand has changed, lost and made up', async () => {
      const { url, act, leave } = hand();
      try {
        const position = await install(url());
        const before = await replay(url());
        expect(before).toMatchObject({ code: 0, complaint: '' });
        expect(before.lines.at(-1)).toBe('no differences');
        expect(before.lines).toContain(`audit: 11 documents compared, 11 events folded, up to ${position}: no differences`);

        await act();
        const after = await replay(url());
        expect(after).toMatchObject({ code: 1, complaint: '' });
        expect(after.lines).toContain('services svc_web /desired: live 7, replayed 2');
        expect(after.lines).toContainEqual(expect.stringMatching(/^replicas rep_2 \(whole document\): live has none, replayed \{.*"slot":2/));
        expect(after.lines).toContainEqual(expect.stringMatching(/^nodes node_ghost \(whole document\): live \{.*\}, replayed has none$/));
        expect(after.lines.at(-1)).toBe('3 differences');

        const part = await replay(url(), '--from', position, '--to', position, '--view', 'services', '--view', 'audit');
        expect(part.code).toBe(1);
        expect(part.lines.at(-1)).toBe('1 difference');
      } finally {
        await leave();
      }
    }, 60_000);
  });
}

findsWhatAHandDid('SQLite', () => {
  const file = join(home, 'read-models.db');
  return {
    url: () => `sqlite:${file}`,
    act: async () => {
      const db = new DatabaseSync(file);
      db.exec(`UPDATE services_${live('services')} SET doc = json_set(doc, '$.desired', 7)`);
      db.exec(`DELETE FROM replicas_${live('replicas')} WHERE id = 'rep_2'`);
      db.exec(`INSERT INTO nodes_${live('nodes')} (id, position, doc) SELECT 'node_ghost', position, json_set(doc, '$.id', 'node_ghost') FROM nodes_${live('nodes')}`);
      db.close();
    },
    leave: async () => undefined,
  };
});

if ('missing' in mongo) it.skip(`the replay command on MongoDB was NOT tried: ${mongo.missing}`, () => undefined);
else {
  findsWhatAHandDid(`MongoDB (${mongo.name})`, () => {
    const database = mongo.database();
    const collection = async (view: ViewName) => {
      const names = (await database.db.listCollections().toArray()).map(({ name }) => name);
      return database.db.collection<Stored>(names.find((name) => name.startsWith(`${view}_${live(view)}_`))!);
    };
    return {
      url: () => database.url,
      act: async () => {
        await (await collection('services')).updateOne({ _id: 'svc_web' }, { $set: { 'fields.desired': 7 } });
        await (await collection('replicas')).deleteOne({ _id: 'rep_2' });
        const nodes = await collection('nodes');
        await nodes.insertOne({ ...(await nodes.findOne({ _id: 'node_a' }))!, _id: 'node_ghost', id: 'node_ghost' });
      },
      leave: () => database.drop(),
    };
  });
}

describe('the replay command', () => {
  it('says what it can not do, and ends with 2', async () => {
    const url = `sqlite:${join(home, 'read-models.db')}`;
    expect(await replay(url)).toMatchObject({ code: 2, complaint: expect.stringContaining(`there is no ${join(home, 'events.db')}`) });
    await install(url);
    expect(await replay(url, '--view', 'boats')).toMatchObject({ code: 2, complaint: expect.stringContaining('no such view') });
    expect(await replay(url, '--from', 'yesterday')).toMatchObject({ code: 2, complaint: expect.stringContaining('neither a position of the log nor an instant') });
    expect(await replay(url, '--form', '1')).toMatchObject({ code: 2, complaint: expect.stringContaining('--form') });
    expect((await replay(url, '--help')).lines[0]).toContain('npm run replay');
  }, 60_000);
});
