import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** `npm run chaos -- --seeds 1..20 --seconds 60`: one run for each seed, on real parts. `npm run chaos` alone: what `npm test` takes of it, a
 *  short run of one seed and the death of each part in a scale to 10. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1' }, seconds: { type: 'string', default: '60' } } });
const isShort = process.argv.length === 2;
if (!/^\d+(\.\.\d+)?$/.test(values.seeds) || !/^\d+$/.test(values.seconds)) {
  console.error('usage: npm run chaos -- --seeds <first>..<last> --seconds <of faults, for each seed>');
  process.exit(2);
}
const asked = isShort ? {} : { CHAOS_SEEDS: values.seeds, CHAOS_SECONDS: values.seconds };
const env = { ...process.env, ...asked, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' };
spawn('jest', ['--selectProjects', 'chaos', '--runInBand', '--ci', ...(isShort ? [] : ['chaos.spec'])], { env, stdio: 'inherit' }).once('exit', (code) => process.exit(code ?? 1));
