import { setTimeout as pause } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { IMAGE, World } from '../e2e/world.ts';
import { BareEngine } from './bare-engine.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { median, medianRatio, timed, type Figure, type Part } from './figure.ts';
import { Swarm } from './swarm.ts';

const SIZES = [1, 10, 30] as const;
const ROUNDS = 5;
const DEADLINE_MS = 120_000;
/** How many containers the bare engine is asked for at once, to find out what it likes best. */
const CONCURRENCIES = [2, 4, 8, 16] as const;

/** From POST to N replicas running, next to the bare engine with the very same containers, and to Docker Swarm. */
export const part: Part = { title: 'From POST to N replicas running', run };

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const world = await World.start();
  cleanUp.defer(() => world.stop());
  const swarm = await Swarm.start();
  cleanUp.defer(() => swarm.stop());
  // Keeps the network of the environment on the engine, and shows what Waybill's containers are like.
  const example = await createAndWait(world, 1);
  const [container] = await world.containers(example);
  const bare = await BareEngine.like(new Dockerode({ socketPath: new URL(world.engine.host).pathname }), container!.id);
  await swarm.create(1);

  const rounds = Math.max(2, Math.round(ROUNDS * scale));
  const best = await bestConcurrency(bare);
  const figures: Figure[] = [{ what: 'bare engine: best concurrency', value: best, unit: 'at once' }];
  for (const replicas of SIZES) figures.push(...(await compare({ world, bare, swarm, best }, replicas, rounds)));
  return figures;
}

interface Sides {
  readonly world: World;
  readonly bare: BareEngine;
  readonly swarm: Swarm;
  readonly best: number;
}

async function compare({ world, bare, swarm, best }: Sides, replicas: number, rounds: number): Promise<Figure[]> {
  const [own, engine, theirs]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    own.push(await measureOwn(world, replicas));
    engine.push(await bare.run(replicas, best));
    theirs.push(await swarm.create(replicas));
  }
  const aims = replicas === 1 ? [undefined, undefined] : [{ atMost: 1.15 }, { atMost: 1 }];
  return [
    { what: `N = ${replicas}: Waybill`, value: median(own), unit: 'ms' },
    { what: `N = ${replicas}: bare engine`, value: median(engine), unit: 'ms' },
    { what: `N = ${replicas}: Docker Swarm`, value: median(theirs), unit: 'ms' },
    { what: `N = ${replicas}: Waybill / bare engine`, value: medianRatio(own, engine), unit: '×', aim: aims[0] },
    { what: `N = ${replicas}: Waybill / Docker Swarm`, value: medianRatio(own, theirs), unit: '×', aim: aims[1] },
  ];
}

async function measureOwn(world: World, replicas: number): Promise<number> {
  let id = '';
  const took = await timed(async () => (id = await createAndWait(world, replicas)));
  await world.call('DELETE', `/v1/docker-services/${id}`);
  await world.eventually('its containers are gone', async () => (await world.containers(id)).length === 0, 120_000);
  await world.eventually('it is deleted', async () => (await world.service(id)).lifecycle === 'DELETED');
  return took;
}

/** Running by Waybill's own word, which it gives once it was told of each container. */
async function createAndWait(world: World, replicas: number): Promise<string> {
  const { docker_service_id: id } = await world.createService({ image: IMAGE, command: COMMAND, replicas, resources: RESOURCES, deploy: { min_healthy_ms: 1_000 } });
  await untilRunning(world, id, replicas);
  return id;
}

/** Asked every 25 ms, as Swarm is, and no answer held against the API's description: that costs a client's processor, which is the engine's too. */
async function untilRunning(world: World, id: string, replicas: number): Promise<void> {
  const { url, token } = world.installation;
  for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(25)) {
    const answer = await fetch(`${url}/v1/docker-services/${id}`, { headers: { authorization: `Bearer ${token}` } });
    const { replicas: counts } = (await answer.json()) as { replicas?: { running: number } };
    if (counts?.running === replicas) return;
  }
  throw new Error(`${replicas} replicas never run within ${DEADLINE_MS} ms`);
}

async function bestConcurrency(bare: BareEngine): Promise<number> {
  const took: { readonly concurrency: number; readonly ms: number }[] = [];
  for (const concurrency of CONCURRENCIES) {
    const tries = [await bare.run(30, concurrency), await bare.run(30, concurrency)];
    took.push({ concurrency, ms: Math.min(...tries) });
  }
  return took.reduce((best, one) => (one.ms < best.ms ? one : best)).concurrency;
}
