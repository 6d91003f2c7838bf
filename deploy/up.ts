import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { deployDemo } from './demo.ts';
import { ensureEngine } from './engine.ts';
import { Installation } from './installation.ts';
import { readable } from './log-lines.ts';

const root = resolve(import.meta.dirname, '..');
const home = resolve(process.env['WAYBILL_HOME'] ?? join(root, '.waybill'));
const listen = process.env['WAYBILL_LISTEN'] ?? '127.0.0.1:7700';
const withDemo = !process.argv.includes('--no-demo');
const say = (line: string) => console.log(`\x1b[1mwaybill\x1b[0m  ${line}`);

const installation = new Installation({
  home,
  listen,
  env: process.env,
  dist: join(root, 'dist'),
  onLine: (part, line) => console.log(readable(part, line)),
});

let engine: ReturnType<typeof ensureEngine> = Promise.resolve(null);
let stopping: Promise<void> | null = null;

/** Ends what this command started, and nothing else: an engine that ran before runs on, and so do all containers. */
function stop(exitCode: number): Promise<void> {
  stopping ??= (async () => {
    say('stopping (containers run on)');
    await installation.stop();
    // One that is starting just now is waited for: it would outlive this command.
    const stopEngine = await engine.catch(() => null);
    await stopEngine?.();
    process.exit(exitCode);
  })();
  return stopping;
}
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));

try {
  mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 });
  engine = ensureEngine(home, process.env['DOCKER_HOST']);
  await engine;
  if (!stopping) await serve();
} catch (error) {
  if (!stopping) {
    say(`could not start: ${(error as Error).message}`);
    await stop(1);
  }
}

async function serve(): Promise<void> {
  await installation.start();
  const demo = withDemo ? await deployDemo(installation.url, installation.token, say) : null;
  printNextSteps(demo);
}

function printNextSteps(demo: string | null): void {
  const auth = `-H "Authorization: Bearer $(cat ${join(home, 'operator.token')})"`;
  const lines = [
    '',
    `Waybill answers at ${installation.url}   (API: ${installation.url}/openapi.json)`,
    ...(demo ? [`The demo service serves ${demo}`] : []),
    '',
    'Try next:',
    `  curl -s ${auth} ${installation.url}/v1/docker-services`,
    `  curl -s ${auth} ${installation.url}/v1/audit`,
    ...(demo ? [`  curl -s ${demo}`] : []),
    '',
    'Ctrl-C stops Waybill; containers run on, and the next start finds them again.',
    '',
  ];
  console.log(lines.join('\n'));
}
