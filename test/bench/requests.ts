import { IMAGE, World } from '../e2e/world.ts';
import { BareFastify } from './bare-fastify.ts';
import { COMMAND } from './container.ts';
import { median, medianRatio, type Figure, type Part } from './figure.ts';
import { load, type Load, type Request } from './wrk.ts';

const ROUNDS = 5;
const SECONDS = 4;

/** GET and POST of a service, next to a bare Fastify that answers the same bytes; each round asks one after the other. */
export const part: Part = { title: 'Requests, 32 clients', run };

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const world = await World.start();
  cleanUp.defer(() => world.stop());
  const { docker_service_id: id } = await world.createService({ image: IMAGE, command: COMMAND, replicas: 3 });
  await world.running(id, 3);

  const rounds = Math.max(2, Math.round(ROUNDS * scale));
  const get = await compare(requestsOf(world).get(id), rounds);
  const post = await compare(requestsOf(world).post(), rounds);
  return [...figuresOf('GET of a service', get, { atLeast: 0.45 }), ...figuresOf('POST of a service', post)];
}

/** What clients ask of a world. */
export function requestsOf(world: World): { get(id: string): Request; list(): Request; post(): Request } {
  const headers = { authorization: `Bearer ${world.installation.token}` };
  const url = `${world.installation.url}/v1/docker-services`;
  return {
    get: (id) => ({ method: 'GET', url: `${url}/${id}`, headers }),
    list: () => ({ method: 'GET', url: `${url}?limit=100`, headers }),
    // Without replicas there is nothing to make on the engine, which would be measured instead.
    post: () => ({ method: 'POST', url, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(world.serviceBody({ replicas: 0 })) }),
  };
}

interface Sides {
  readonly own: readonly Load[];
  readonly bare: readonly Load[];
}

async function compare(request: Request, rounds: number): Promise<Sides> {
  const answer = await fetch(request.url, { method: request.method, headers: { ...request.headers }, body: request.body ?? null });
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !['connection', 'content-length', 'date', 'keep-alive'].includes(name)));
  const bare = await BareFastify.start({ status: answer.status, headers, body: await answer.text() });
  try {
    const toBare = { ...request, url: new URL(new URL(request.url).pathname, bare.url).href };
    // The first second is spent on compiling.
    await Promise.all([load(request, 1), load(toBare, 1)]);
    const sides: { own: Load[]; bare: Load[] } = { own: [], bare: [] };
    for (let round = 0; round < rounds; round += 1) {
      sides.own.push(await load(request, SECONDS));
      sides.bare.push(await load(toBare, SECONDS));
    }
    return sides;
  } finally {
    await bare.stop();
  }
}

function figuresOf(what: string, { own, bare }: Sides, aim?: Figure['aim']): Figure[] {
  const rates = (loads: readonly Load[]): number[] => loads.map(({ rate }) => rate);
  return [
    ...loadFigures(`${what}: Waybill`, own),
    ...loadFigures(`${what}: bare Fastify`, bare),
    { what: `${what}: Waybill's rate / bare Fastify's`, value: medianRatio(rates(own), rates(bare)), unit: '×', aim },
  ];
}

/** Rate and latencies of several loads of one kind. */
export const loadFigures = (what: string, loads: readonly Load[]): Figure[] => [
  { what, value: median(loads.map(({ rate }) => rate)), unit: '/s' },
  { what: `${what}, p50`, value: median(loads.map(({ p50Ms }) => p50Ms)), unit: 'ms' },
  { what: `${what}, p99`, value: median(loads.map(({ p99Ms }) => p99Ms)), unit: 'ms' },
];
