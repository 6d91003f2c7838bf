import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMet, type Figure, type Part } from './figure.ts';
import { tableOf } from './table.ts';

/** In the order in which they run; loaded one by one, so that none pays for another's memory. */
const PARTS: Readonly<Record<string, () => Promise<{ part: Part }>>> = {
  create: () => import('./create.ts'),
  roll: () => import('./roll.ts'),
  recovery: () => import('./recovery.ts'),
  requests: () => import('./requests.ts'),
  log: () => import('./log.ts'),
  views: () => import('./views.ts'),
  idle: () => import('./idle.ts'),
  placements: () => import('./placements.ts'),
  growth: () => import('./growth.ts'),
};
const FOLDER = join(import.meta.dirname, 'results');

const { values, positionals } = parseArgs({ options: { scale: { type: 'string', default: '1' } }, allowPositionals: true });
const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
const scale = Number(values.scale);
if (chosen.some((name) => !(name in PARTS)) || !(scale > 0 && scale <= 1)) {
  console.error(`usage: npm run bench -- [--scale 0.3] [${Object.keys(PARTS).join('] [')}]`);
  process.exit(2);
}

const begun = new Date();
const results: Record<string, readonly Figure[]> = {};
const failures: Record<string, string> = {};
for (const name of chosen) {
  try {
    const { part } = await PARTS[name]!();
    results[name] = await part.run(scale);
    console.log(tableOf(part.title, results[name]));
  } catch (error) {
    failures[name] = String(error);
    console.error(`\n${name} could not be measured:`, error);
  }
}
const file = write();
const missed = Object.values(results).flat().filter((figure) => isMet(figure) === false);
console.log(`\n${missed.length === 0 ? 'every aim that was measured is met' : `${missed.length} aims are missed`}; all figures: ${file}`);
// Parts may leave sockets behind that would keep the process alive.
process.exit(Object.keys(failures).length > 0 ? 1 : 0);

function write(): string {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memory_bytes: totalmem(), kernel: release(), node: process.version };
  const run = { at: begun.toISOString(), seconds: Math.round((Date.now() - begun.getTime()) / 1000), scale, machine, load: loadavg(), results, failures };
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${run.at.replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify(run, null, 2)}\n`);
  return path;
}
