import { World } from '../e2e/world.ts';
import { breaches, openLog, readLog } from './laws.ts';
import { type Outsider, Saboteur } from './saboteur.ts';
import { startStores, type StoreServers } from './stores.ts';
import { Story } from './story.ts';
import { containersOf, Witness } from './witness.ts';

const TEN = 10;
const CONVERGED_MS = 30_000;
const DOWN_MS = 1_000;

/** Under which name `/readyz` speaks of a store. */
const CHECKS: Readonly<Record<string, string>> = { eventstoredb: 'event_store', mongodb: 'read_models' };

/** Cut while appends are under way: with what was asked for written, not written, or written a moment later. */
const CONNECTIONS = 'connections';
const SPOILT = Array.from({ length: 5 }, () => ['lose answer', 'lose request', 'land late'] as const).flat();

/** Kills a store, and starts it again once `/readyz` says that it is away. */
async function awayUntilTold(world: World, store: Outsider, check: string): Promise<void> {
  await store.kill();
  try {
    await world.eventually(`/readyz says that ${check} is away`, async () => {
      const { status, body } = await world.call('GET', '/readyz');
      return status === 503 && body[check].ok === false;
    });
  } finally {
    await store.restart();
  }
}

/** No manual step: whatever dies in the middle of a scale to 10, ten containers run soon after it is back. */
describe.each([
  ['files', ['api-gateway', 'scheduler', 'health-monitor', 'job-runner', 'node-agent', 'nats-server', 'engine']],
  ['servers', ['eventstoredb', 'mongodb', CONNECTIONS]],
])('SIGKILL or cut connections in the middle of a scale to 10, with stores that are %s', (kind, parts) => {
  let stores: StoreServers | null = null;
  let world: World;
  beforeAll(async () => {
    stores = kind === 'servers' ? await startStores() : null;
    world = await World.start({ env: stores?.env });
  }, 150_000);
  afterAll(async () => {
    await world?.stop();
    await stores?.stop();
  }, 60_000);

  it.each(parts)('of %s leaves exactly 10 containers', async (part) => {
    // Where none can be had, the start of the stores has said so.
    if (part === 'mongodb' && !stores?.outsiders.has(part)) return;
    const story = new Story();
    const store = await openLog(world.home, stores?.env.EVENT_STORE_URL);
    const witness = new Witness(store, world.engine, story);
    witness.start();
    try {
      const { docker_service_id: id } = await world.createService({ name: `ten-${part}`, deploy: { min_healthy_ms: 300 } });
      await world.running(id, 1);
      await world.post(`/v1/docker-services/${id}/scale`, { replicas: TEN });
      const own = async () => (await containersOf(world.engine)).filter(({ ownerId }) => ownerId === id);
      await world.eventually('some of them are there', async () => (await own()).length >= 3);
      expect((await own()).filter(({ state }) => state === 'running').length).toBeLessThan(TEN);

      const saboteur = new Saboteur(world, story, () => 0, stores?.outsiders);
      const outsider = stores?.outsiders.get(part);
      if (part === CONNECTIONS) stores!.events.spoil(...SPOILT);
      else if (outsider) await awayUntilTold(world, outsider, CHECKS[part]!);
      else await saboteur.carryOut([{ atMs: 0, kind: 'kill', parts: [part], lastingMs: DOWN_MS }]);
      await saboteur.heal();
      await world.running(id, TEN, CONVERGED_MS);
      const slots = (await own()).map(({ slot, state }) => `${slot} ${state}`).sort();
      expect(slots).toEqual(Array.from({ length: TEN }, (_, index) => `${index + 1} running`).sort());

      await world.call('DELETE', `/v1/docker-services/${id}`);
      await world.serviceWhen(id, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
      expect(await own()).toEqual([]);
    } finally {
      await witness.stop();
      const log = await readLog(store);
      await store.close();
      expect([...witness.doubles, ...breaches(log, [])]).toEqual([]);
      // What was told while it happened is what stands.
      expect(witness.told.map(({ id }) => id)).toEqual(log.slice(0, witness.told.length).map(({ id }) => id));
    }
  }, 150_000);
});
