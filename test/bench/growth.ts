import { until } from '../../deploy/processes.ts';
import { IMAGE, World } from '../e2e/world.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { median, timed, type Figure, type Part } from './figure.ts';
import { idleFigures } from './idle.ts';
import { loadFigures, requestsOf } from './requests.ts';
import { load } from './wrk.ts';

const SIZES = [100, 1_000, 10_000] as const;
const SECONDS = 4;
/** All that isn't over is looked at again every 30 s. */
const WATCHED_MS = 30_000;

/** How requests, a first replica, a start, memory and what is done at rest grow with the services in the log. They are created as clients do. */
export const part: Part = { title: 'Growth', run };

async function run(scale: number): Promise<readonly Figure[]> {
  const world = await World.start();
  try {
    const figures: Figure[] = [];
    for (const size of SIZES.filter((services) => services <= SIZES.at(-1)! * scale)) {
      await fill(world, size);
      figures.push(...(await measure(world, size)));
    }
    return figures;
  } finally {
    await world.stop();
  }
}

/** Up to so many services, all of them at rest. */
async function fill(world: World, size: number): Promise<void> {
  const there = await count(world, '');
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let made = there + client; made < size; made += 16) await world.createService({ replicas: 0 });
  });
  await Promise.all(clients);
  await rest(world, size);
}

async function rest(world: World, size: number): Promise<void> {
  await until(`${size} services do not come to rest`, 600_000, async () => (await count(world, '&status=PENDING')) === 0);
}

async function count(world: World, filter: string): Promise<number> {
  let found = 0;
  for (let cursor = ''; ; ) {
    const { items, next_cursor: next } = await world.get(`/v1/docker-services?limit=100${filter}${cursor}`);
    found += items.length;
    if (!next) return found;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

async function measure(world: World, size: number): Promise<Figure[]> {
  const { docker_service_id: id } = await world.createService({ replicas: 0 });
  const requests = requestsOf(world);
  const what = `${size.toLocaleString('en-US')} services`;
  const gets = await load(requests.get(id), SECONDS);
  const lists = await load(requests.list(), SECONDS);
  const running: number[] = [];
  for (let round = 0; round < 3; round += 1) running.push(await timed(() => oneRuns(world)));
  const posts = await load(requests.post(), SECONDS);
  // What is left of the load is no rest.
  await rest(world, size);
  const idle = await idleFigures(world, WATCHED_MS);
  return [
    ...loadFigures(`${what}: GET of a service`, [gets]),
    ...loadFigures(`${what}: GET of a hundred`, [lists]),
    ...loadFigures(`${what}: POST of a service`, [posts]),
    { what: `${what}: from POST to one replica running`, value: median(running), unit: 'ms' },
    ...idle.map((figure) => ({ ...figure, what: `${what}: ${figure.what}`, aim: undefined })),
    ...(await starts(world, what)),
  ];
}

async function oneRuns(world: World): Promise<void> {
  const { docker_service_id: id } = await world.createService({ image: IMAGE, command: COMMAND, replicas: 1, resources: RESOURCES });
  await world.serviceWhen(id, 'it runs', ({ replicas }) => replicas.running === 1);
}

async function starts(world: World, what: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const app of ['api-gateway', 'scheduler'] as const) {
    await world.installation.part(app).stop();
    world.installation.part(app).start();
    figures.push({ what: `${what}: ${app} from its start to ready`, value: await timed(() => world.installation.ready(app, 300_000)), unit: 'ms' });
  }
  return figures;
}
