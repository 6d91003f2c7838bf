import Dockerode from 'dockerode';
import { ended } from '../e2e/deploying.ts';
import { IMAGE, World, type Doc } from '../e2e/world.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { ContainerWatch } from './container-watch.ts';
import { median, medianRatio, type Figure, type Part } from './figure.ts';
import { Swarm, type Standing } from './swarm.ts';

const REPLICAS = 20;
const ROUNDS = 7;

/** One of many is killed: how long until another runs, in Waybill and Docker Swarm, both with no delay before the restart. */
export const part: Part = { title: `Recovery after \`docker kill\` of one of ${REPLICAS}`, run };

/** Milliseconds from the end of the killed one on, by the engine's clock. */
interface Recovered {
  /** Until the engine had started the next one. */
  readonly engine: number;
  /** Until the orchestrator said that all run, that one included. */
  readonly word: number;
}

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const world = await World.start();
  cleanUp.defer(() => world.stop());
  const swarm = await Swarm.start();
  cleanUp.defer(() => swarm.stop());
  const { docker_service_id: id, deployment_id } = await world.createService({ image: IMAGE, command: COMMAND, replicas: REPLICAS, resources: RESOURCES, deploy: { min_healthy_ms: 0, monitor_ms: 0 } });
  const standing = await swarm.stand(REPLICAS, { parallelism: 1, monitorMs: 0 });
  // Killed before that, it would be the deployment's failure.
  await ended(world, deployment_id, 120_000);
  await world.running(id, REPLICAS);
  const [own, theirs]: [Recovered[], Recovered[]] = [[], []];
  const rounds = Math.max(3, Math.round(ROUNDS * scale));
  for (let round = 0; round < rounds; round += 1) {
    own.push(await recoverOwn(world, id, round));
    theirs.push(await recoverTheirs(swarm, standing));
  }
  const [engine, word] = [(each: Recovered) => each.engine, (each: Recovered) => each.word];
  return [
    { what: 'Waybill, by the engine', value: median(own.map(engine)), unit: 'ms' },
    { what: 'Docker Swarm, by the engine', value: median(theirs.map(engine)), unit: 'ms' },
    { what: 'Waybill / Docker Swarm, by the engine', value: medianRatio(own.map(engine), theirs.map(engine)), unit: '×', aim: { atMost: 1 } },
    { what: 'Waybill, by its word', value: median(own.map(word)), unit: 'ms' },
    { what: 'Docker Swarm, by its word', value: median(theirs.map(word)), unit: 'ms' },
    { what: 'Waybill / Docker Swarm, by their word', value: medianRatio(own.map(word), theirs.map(word)), unit: '×', aim: { atMost: 1 } },
  ];
}

/** Another one each time: the second end of one within ten minutes is waited for. */
async function recoverOwn(world: World, serviceId: string, round: number): Promise<Recovered> {
  const docker = new Dockerode({ socketPath: new URL(world.engine.host).pathname });
  const killed = (await replicasOf(world, serviceId)).find(({ slot }) => slot === round + 1);
  const isUp = ({ replica_id, state, run }: Doc): boolean => UP.includes(state) && (replica_id !== killed.replica_id || run > killed.run);
  return recovered(docker, { label: `waybill.owner_id=${serviceId}`, container: killed.container_id }, () =>
    world.eventually('all run, the killed one once more', async () => (await replicasOf(world, serviceId)).filter(isUp).length === REPLICAS),
  );
}

const UP = ['RUNNING', 'SETTLED'];

const replicasOf = async (world: World, serviceId: string): Promise<Doc[]> => (await world.get(`/v1/docker-services/${serviceId}/replicas?limit=100`)).items;

async function recoverTheirs(swarm: Swarm, standing: Standing): Promise<Recovered> {
  const [container] = await swarm.runningContainers(standing);
  return recovered(swarm.docker, { label: standing.label, container: container! }, () =>
    swarm.until('all tasks run, none of them in the killed one', async () => {
      const running = await swarm.runningContainers(standing);
      return running.length === REPLICAS && !running.includes(container!);
    }),
  );
}

async function recovered(docker: Dockerode, killed: { label: string; container: string }, areAllThere: () => Promise<unknown>): Promise<Recovered> {
  const watch = await ContainerWatch.begin(docker, killed.label);
  try {
    await docker.getContainer(killed.container).kill();
    const { took, at } = await watch.madeGood(killed.container);
    // Asked from now on only, so that the asking doesn't slow down what is measured.
    await areAllThere();
    return { engine: took, word: took + Date.now() - at };
  } finally {
    watch.stop();
  }
}
