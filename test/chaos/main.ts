import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** `npm run chaos -- --seeds 1..20 --seconds 60`: one run for each seed, on real parts. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1' }, seconds: { type: 'string', default: '60' } } });
if (!/^\d+(\.\.\d+)?$/.test(values.seeds) || !/^\d+$/.test(values.seconds)) {
  console.error('usage: npm run chaos -- --seeds <first>..<last> --seconds <of faults, for each seed>');
  process.exit(2);
}
const env = { ...process.env, CHAOS_SEEDS: values.seeds, CHAOS_SECONDS: values.seconds, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' };
spawn('jest', ['--selectProjects', 'chaos', '--runInBand', '--ci', 'chaos.spec'], { env, stdio: 'inherit' }).once('exit', (code) => process.exit(code ?? 1));
