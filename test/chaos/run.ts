import { cp, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#contracts';
import type { EventStore } from '#event-store';
import { seededRandom } from '#testing';
import { World } from '../e2e/world.ts';
import { Client } from './client.ts';
import { planFaults } from './faults.ts';
import { breaches, leftovers, openLog, readLog, unfinished } from './laws.ts';
import { everyAnswer, rebuildViews, unrest, untrueJobs } from './rest.ts';
import { openRollCall, type RollCall } from './roll-call.ts';
import { Saboteur } from './saboteur.ts';
import { startStores, type StoreServers } from './stores.ts';
import { Story } from './story.ts';
import { networksOf, Witness } from './witness.ts';

/** From the last part's return until everything must be as it is wanted. */
const CONVERGED_MS = 30_000;
const HANDS = 3;

/** One run of a seed, on an installation of its own: faults while clients work, then peace, then the checks.
 *  @throws Error with the seed, what was found, the story, and where the logs are kept. */
export async function runSeed(seed: number, seconds: number): Promise<void> {
  const closing: (() => Promise<void>)[] = [];
  try {
    // Every second seed has two of each app, every third has stores that are servers.
    const stores = seed % 3 === 0 ? await startStores() : null;
    if (stores) closing.push(() => stores.stop());
    const world = await World.start({ instances: seed % 2 === 0 ? { 'api-gateway': 2, scheduler: 2, 'health-monitor': 2, 'job-runner': 2 } : {}, env: stores?.env });
    closing.push(() => world.stop());
    const story = new Story();
    const store = await openLog(world.home, stores?.env.EVENT_STORE_URL);
    closing.push(() => store.close());
    try {
      await new Run({ world, story, seed, seconds, store, stores }, closing).tell();
    } catch (error) {
      throw await withLogs(world, seed, story, error as Error);
    }
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

interface RunParts {
  readonly world: World;
  readonly story: Story;
  readonly seed: number;
  readonly seconds: number;
  readonly store: EventStore;
  readonly stores: StoreServers | null;
}

class Run {
  readonly #random: (what: number) => Random;
  readonly #gateways: string[];
  readonly #saboteur: Saboteur;

  constructor(
    private readonly parts: RunParts,
    private readonly closing: (() => Promise<void>)[],
  ) {
    const { world, story, seed, stores } = parts;
    this.#random = (what) => seededRandom(seed * 1_000 + what);
    this.#gateways = world.installation.partNames.filter((name) => name.startsWith('api-gateway'));
    this.#saboteur = new Saboteur(world, story, this.#random(1), stores?.outsiders);
    closing.push(() => this.#saboteur.heal());
  }

  async tell(): Promise<void> {
    const { world, story, store } = this.parts;
    const rollCall = await openRollCall(world.engine.hostAddress);
    const witness = new Witness(store, world.engine, story);
    this.closing.push(() => rollCall.close(), () => witness.stop());
    witness.start();
    const { client, environmentId } = await this.#client(rollCall);

    await this.#storm(client);
    await this.#converge(client);
    await this.#nothingWrong('jobs', () => untrueJobs(world, client, rollCall));
    await this.#viewsEqualARebuild(client);
    await this.#deleteEverything(client, environmentId);

    const log = await readLog(store);
    await this.#nothingWrong('log', async () => breaches(log, client.acknowledged));
    await this.#nothingWrong('witness', async () => {
      await world.eventually('the witness has heard all', async () => witness.told.length >= log.length);
      // More may have been told since the log was read.
      const other = log.findIndex((event, index) => event.id !== witness.told[index]?.id);
      return [...witness.doubles.map((slot) => `two live containers for ${slot}`), ...(other < 0 ? [] : [`event ${other} of the log is not the one that was told of`])];
    });
  }

  async #client(rollCall: RollCall): Promise<{ client: Client; environmentId: string }> {
    const { world, story } = this.parts;
    const [project] = (await world.get('/v1/projects')).items;
    const { environment_id: environmentId } = await world.post(`/v1/projects/${project.project_id}/environments`, { name: 'chaos' });
    return { environmentId, client: new Client({ world, story, random: this.#random(2), rollCall, gateways: this.#gateways, environmentId }) };
  }

  /** Faults while the client works; then everything is back, and the client has its last answers. */
  async #storm(client: Client): Promise<void> {
    const { world, story, seconds } = this.parts;
    const faults = planFaults(this.#random(3), seconds, world.installation.partNames, this.#saboteur.outsiders);
    const working = client.work(HANDS);
    await Promise.race([working, this.#saboteur.carryOut(faults)]);
    client.stop();
    await this.#saboteur.heal();
    await working;
    story.tell(`${client.services.length} services, ${client.jobs.length} jobs, ${client.acknowledged.length} commands acknowledged`);
  }

  async #converge(client: Client): Promise<void> {
    const end = performance.now() + CONVERGED_MS;
    for (;;) {
      const found = await unrest(this.parts.world, client, this.#gateways).catch((error: Error) => [error.message]);
      if (found.length === 0) return this.parts.story.tell('converged');
      if (performance.now() > end) throw new Error(`not converged ${CONVERGED_MS / 1000} s after the last part's return:\n${found.join('\n')}`);
      await pause(200);
    }
  }

  async #viewsEqualARebuild(client: Client): Promise<void> {
    const { world, store } = this.parts;
    await this.#nothingWrong('rest', async () => {
      let left: string[] = [];
      await world.eventually('all has ended', async () => (left = unfinished(await readLog(store))).length === 0).catch(() => undefined);
      return left;
    });
    const [first, second = first] = [...(await this.#answers(client))];
    await rebuildViews(world);
    const [rebuilt] = await this.#answers(client);
    await this.#nothingWrong('views', async () => [...differing(first!, second!, 'the other gateway'), ...differing(first!, rebuilt!, 'a rebuild')]);
  }

  /** Of every gateway, at a moment when nothing changes. */
  async #answers(client: Client): Promise<string[][]> {
    let before: string[][] = [];
    await this.parts.world.eventually('the answers stay the same', async () => {
      const now = await Promise.all(this.#gateways.map((gateway) => everyAnswer(this.parts.world, gateway, client)));
      const same = String(now) === String(before);
      before = now;
      return same;
    });
    return before;
  }

  async #deleteEverything(client: Client, environmentId: string): Promise<void> {
    const { world } = this.parts;
    await client.deleteAll();
    await this.#converge(client);
    await world.eventually('the environment is deleted', async () => (await world.call('DELETE', `/v1/environments/${environmentId}`)).status === 204);
    await this.#nothingWrong('deletes', () => this.#leftBehind());
    await this.#networksGone();
  }

  /** By the node's own word and on its disk, once it had time. */
  async #leftBehind(): Promise<string[]> {
    const { world, store } = this.parts;
    let left: unknown[] = [];
    const isClean = async (): Promise<boolean> => {
      const [node] = (await world.get('/v1/nodes')).items;
      const memories = await readdir(join(world.home, 'node', 'replicas'));
      left = [...leftovers(await readLog(store)), ...memories, ...node.replicas, ...(node.reserved.cpu_millis ? [node.reserved] : [])];
      return left.length === 0;
    };
    await world.eventually('nothing is left behind', isClean).catch(() => undefined);
    return left.map((each) => `left behind: ${JSON.stringify(each)}`);
  }

  /** An engine that was killed may count somebody in a network that nobody is in, and refuse to remove it until it counts anew,
   *  at its next start (20.10, `endpoint_cnt`): no client can help that. */
  async #networksGone(): Promise<void> {
    const { world, story } = this.parts;
    const areGone = (withinMs: number): Promise<void> => world.eventually('the networks are gone', async () => (await networksOf(world.engine)).length === 0, withinMs);
    try {
      await areGone(10_000);
    } catch (error) {
      const said = await Promise.all((await networksOf(world.engine)).map((name) => world.docker(['network', 'rm', name]).catch(String)));
      if (!said.every((words) => words.includes('has active endpoints'))) throw error;
      story.tell('the engine miscounts who is in its network: it is started anew');
      await world.engine.restart();
      await areGone(40_000);
    }
  }

  async #nothingWrong(where: string, find: () => Promise<string[]>): Promise<void> {
    const found = await find();
    if (found.length > 0) throw new Error(`${where}:\n${found.slice(0, 30).join('\n')}`);
  }
}

function differing(one: readonly string[], other: readonly string[], what: string): string[] {
  return one.flatMap((answer, index) => (answer === other[index] ? [] : [`a gateway said ${answer}\n  and ${what} says ${other[index]}`]));
}

/** Keeps the logs of a failed run, which are removed with the installation otherwise. */
async function withLogs(world: World, seed: number, story: Story, error: Error): Promise<Error> {
  const folder = await mkdtemp(join(tmpdir(), `waybill-chaos-seed-${seed}-`));
  await cp(join(world.home, 'logs'), folder, { recursive: true });
  for (const name of ['events.db', 'events.db-wal']) await cp(join(world.home, name), join(folder, name)).catch(() => undefined);
  await writeFile(join(folder, 'dockerd.log'), await world.engine.log());
  await writeFile(join(folder, 'story.txt'), `${story}\n\n${error.message}\n`);
  return new Error(`seed ${seed}: ${error.message}\n\n${story}\n\nlogs are kept in ${folder}`, { cause: error });
}
