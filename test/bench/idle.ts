import { setTimeout as pause } from 'node:timers/promises';
import { APPS } from '../../deploy/installation.ts';
import { IMAGE, World } from '../e2e/world.ts';
import { COMMAND } from './container.ts';
import type { Figure, Part } from './figure.ts';
import { cpuSeconds, proportionalMiB, residentMiB } from './process-usage.ts';

const SETTLING_MS = 20_000;
/** A whole round of everything that is done every minute. */
const WATCHED_MS = 60_000;

/** Memory and processor of each app while nobody asks for anything: one node, one service of three replicas. */
export const part: Part = { title: 'Idle', run };

async function run(scale: number): Promise<readonly Figure[]> {
  const world = await World.start();
  try {
    const { docker_service_id: id } = await world.createService({ image: IMAGE, command: COMMAND, replicas: 3 });
    await world.serviceWhen(id, 'it is at rest', ({ active_deployment: active, replicas }) => replicas.running === 3 && !active);
    await pause(SETTLING_MS * scale);
    return await idleFigures(world, WATCHED_MS * scale);
  } finally {
    await world.stop();
  }
}

/** What the five apps have and use over a time in which nobody asks for anything. */
export async function idleFigures(world: World, ms: number): Promise<Figure[]> {
  const pids = APPS.map((app) => world.installation.part(app).pid!);
  const before = pids.map(cpuSeconds);
  await pause(ms);
  const cpu = pids.map((pid, index) => ((cpuSeconds(pid) - before[index]!) / ms) * 1e5);
  const resident = pids.map(residentMiB);
  return [
    ...APPS.map((app, index): Figure => ({ what: `${app}: resident`, value: resident[index]!, unit: 'MiB' })),
    { what: 'five apps: resident', value: sum(resident), unit: 'MiB', aim: { atMost: 450 } },
    { what: 'five apps: resident, shared pages counted once', value: sum(pids.map(proportionalMiB)), unit: 'MiB' },
    ...APPS.map((app, index): Figure => ({ what: `${app}: processor`, value: cpu[index]!, unit: '% of a core' })),
    { what: 'five apps: processor', value: sum(cpu), unit: '% of a core', aim: { atMost: 3 } },
  ];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
