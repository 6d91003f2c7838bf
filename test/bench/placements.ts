import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLog } from '#event-store';
import { systemClock } from '#platform';
import { Cluster } from './cluster.ts';
import { perSecond, timed, type Figure, type Part } from './figure.ts';
import { cpuSeconds } from './process-usage.ts';

const NODES = [10, 100, 1_000] as const;
const SERVICES = 40;
/** Of each service. */
const REPLICAS = 75;

/** Services are scaled up all at once: from the request to the last replica's place in the log, through plan, order, claim and
 *  settlement, by the scheduler as a process, on SQLite, with its sets taken by simulated agents. */
export const part: Part = { title: 'Placements', run };

async function run(scale: number): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const nodes of NODES) figures.push(...(await measure(nodes, Math.round(REPLICAS * scale))));
  return figures;
}

async function measure(nodes: number, replicas: number): Promise<Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const cluster = await Cluster.start({ folder, nodes });
  cleanUp.defer(() => cluster.stop());
  const services = await cluster.createServices(SERVICES);
  const wanted = services.length * replicas;
  // What is compiled and cached at first use is no part of the rate.
  await placed(cluster, SERVICES, () => Promise.all(services.map((id) => cluster.scale(id, 1))));

  const cpuBefore = cpuSeconds(cluster.schedulerPid);
  const took = await timed(() => placed(cluster, wanted - SERVICES, () => Promise.all(services.map((id) => cluster.scale(id, replicas)))));
  const cpu = cpuSeconds(cluster.schedulerPid) - cpuBefore;
  return [
    { what: `${nodes} nodes`, value: perSecond(wanted - SERVICES, took), unit: '/s', aim: { atLeast: 1_500 } },
    { what: `${nodes} nodes: the scheduler's processor time for each`, value: (cpu / (wanted - SERVICES)) * 1e3, unit: 'ms' },
  ];
}

/** Resolves when the log holds so many more placements than before. */
async function placed(cluster: Cluster, count: number, work: () => Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  const { next } = await end(cluster);
  let left = count;
  const following = followLog({
    store: cluster.store,
    after: next,
    prefixes: ['node-'],
    signal: enough.signal,
    clock: systemClock,
    onEvent: ({ type }) => {
      if (type === 'ReplicaPlaced' && (left -= 1) === 0) enough.abort();
    },
  });
  await work();
  await following;
}

async function end({ store }: Cluster): Promise<{ next: string | null }> {
  for (let after: string | null = null; ; ) {
    const { next } = await store.readAll(after, { prefixes: ['node-'], limit: 500 });
    if (next === after) return { next };
    after = next;
  }
}
