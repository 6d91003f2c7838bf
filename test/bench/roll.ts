import Dockerode from 'dockerode';
import { ended } from '../e2e/deploying.ts';
import { IMAGE, World } from '../e2e/world.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { ContainerWatch } from './container-watch.ts';
import { median, medianRatio, timed, type Figure, type Part } from './figure.ts';
import { Swarm, type Roll, type Standing } from './swarm.ts';

const REPLICAS = 10;
/** How many may be replaced at a time. */
const PARALLELISMS = [2, REPLICAS] as const;
const MONITOR_MS = 1_000;
const ROUNDS = 5;

/** A rolling update, new ones first, of Waybill and Docker Swarm with the same parallelism, order, monitor and delay. */
export const part: Part = { title: `Rolling update of ${REPLICAS} replicas, new ones first`, run };

/** Milliseconds from the request on. */
interface Rolled {
  /** Until the engine had started all new ones and ended all of before. */
  readonly engine: number;
  /** Until the orchestrator said that it had succeeded. */
  readonly word: number;
}

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const world = await World.start();
  cleanUp.defer(() => world.stop());
  const swarm = await Swarm.start();
  cleanUp.defer(() => swarm.stop());
  const figures: Figure[] = [];
  for (const parallelism of PARALLELISMS) figures.push(...(await compare(world, swarm, { parallelism, monitorMs: MONITOR_MS }, Math.max(2, Math.round(ROUNDS * scale)))));
  return figures;
}

async function compare(world: World, swarm: Swarm, roll: Roll, rounds: number): Promise<Figure[]> {
  const deploy = { strategy: 'rolling', max_surge: roll.parallelism, max_unavailable: 0, min_healthy_ms: 0, monitor_ms: roll.monitorMs };
  const created = await world.createService({ image: IMAGE, command: COMMAND, replicas: REPLICAS, resources: RESOURCES, deploy });
  const standing = await swarm.stand(REPLICAS, roll);
  await succeeded(world, created.deployment_id);
  const [own, theirs]: [Rolled[], Rolled[]] = [[], []];
  for (let round = 1; round <= rounds; round += 1) {
    own.push(await rollOwn(world, created.docker_service_id, round));
    theirs.push(await rollTheirs(swarm, standing));
  }
  await world.call('DELETE', `/v1/docker-services/${created.docker_service_id}`);
  await world.eventually('its containers are gone', async () => (await world.containers(created.docker_service_id)).length === 0, 120_000);
  await swarm.remove(standing);
  return figuresOf(`${roll.parallelism} at a time`, own, theirs);
}

function figuresOf(how: string, own: readonly Rolled[], theirs: readonly Rolled[]): Figure[] {
  const [engine, word] = [(rolled: Rolled) => rolled.engine, (rolled: Rolled) => rolled.word];
  return [
    { what: `${how}: Waybill, by the engine`, value: median(own.map(engine)), unit: 'ms' },
    { what: `${how}: Docker Swarm, by the engine`, value: median(theirs.map(engine)), unit: 'ms' },
    { what: `${how}: Waybill / Docker Swarm, by the engine`, value: medianRatio(own.map(engine), theirs.map(engine)), unit: '×', aim: { atMost: 0.8 } },
    { what: `${how}: Waybill, watched and SUCCEEDED`, value: median(own.map(word)), unit: 'ms' },
    { what: `${how}: Docker Swarm, watched and completed`, value: median(theirs.map(word)), unit: 'ms' },
    { what: `${how}: Waybill / Docker Swarm, by their word`, value: medianRatio(own.map(word), theirs.map(word)), unit: '×', aim: { atMost: 0.8 } },
  ];
}

async function rollOwn(world: World, serviceId: string, round: number): Promise<Rolled> {
  const docker = new Dockerode({ socketPath: new URL(world.engine.host).pathname });
  const request = async (): Promise<string> => (await world.call('PATCH', `/v1/docker-services/${serviceId}`, { env: { VERSION: String(round) } })).body.deployment_id;
  return rolled(docker, `waybill.owner_id=${serviceId}`, request, (deploymentId) => succeeded(world, deploymentId));
}

const rollTheirs = (swarm: Swarm, standing: Standing): Promise<Rolled> =>
  rolled(swarm.docker, standing.label, () => swarm.update(standing), () => swarm.updated(standing));

async function rolled<T>(docker: Dockerode, label: string, request: () => Promise<T>, isOver: (requested: T) => Promise<void>): Promise<Rolled> {
  const watch = await ContainerWatch.begin(docker, label);
  try {
    const before = new Set(watch.running);
    const begun = Date.now();
    let at = 0;
    const word = await timed(async () => {
      const requested = await request();
      [at] = await Promise.all([watch.replaced(REPLICAS, before), isOver(requested)]);
    });
    return { engine: at - begun, word };
  } finally {
    watch.stop();
  }
}

/** @throws Error where it ended otherwise. */
async function succeeded(world: World, deploymentId: string): Promise<void> {
  const { status } = await ended(world, deploymentId, 120_000);
  if (status !== 'SUCCEEDED') throw new Error(`the deployment ${deploymentId} is ${status}`);
}
