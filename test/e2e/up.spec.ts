import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEngine, type TestEngine } from '#testing';
import { APPS } from '../../deploy/installation.ts';
import { freePort, until } from '../../deploy/processes.ts';
import type { Doc } from './world.ts';
import { openStores, type Stores } from './stores.ts';

const UP = resolve(import.meta.dirname, '../../deploy/up.ts');
const READY_MS = 120_000;
const END_MS = 30_000;

/** `deploy/up.ts` as a person runs it, but with a home, a port and an engine of its own. */
class Up {
  printed = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [UP], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.printed += text));
    this.#ended = once(this.#child, 'close');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @returns the demo's URL, once it is printed. @throws Error with all that it printed when it ends before, or in vain. */
  async demoUrl(): Promise<string> {
    const url = () => /The demo service serves (http\S+)/.exec(this.printed)?.[1];
    await until('up is not ready', READY_MS, async () => url() !== undefined || this.#hasEnded()).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.printed}`);
    });
    return url() ?? Promise.reject(new Error(`up ended:\n${this.printed}`));
  }

  /** @returns its exit code. */
  async exit(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.#child.kill(signal);
    await until(`up does not end:\n${this.printed}`, END_MS, async () => this.#hasEnded());
    await this.#ended;
    return this.#child.exitCode;
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Every process that has this home in its environment: the supervisor, its parts, and theirs. */
async function processesOf(home: string): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const read = (pid: number, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const all = await Promise.all(pids.map(async (pid) => ({ pid, environment: await read(pid, 'environ'), command: (await read(pid, 'cmdline')).replaceAll('\0', ' ') })));
  return all.filter(({ environment }) => environment.split('\0').includes(`WAYBILL_HOME=${home}`));
}

describe('npm run up', () => {
  let stores: Stores;
  let engine: TestEngine;
  let home: string;
  let environment: NodeJS.ProcessEnv;
  const started: Up[] = [];

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'waybill-up-'));
    stores = await openStores(home);
    engine = await startEngine();
    const { NODE_OPTIONS: _jests, NATS_URL: _anothers, ...inherited } = process.env;
    environment = {
      ...inherited,
      WAYBILL_HOME: home,
      WAYBILL_LISTEN: `127.0.0.1:${await freePort()}`,
      WAYBILL_NODE_ADDRESS: engine.address,
      DOCKER_HOST: engine.host,
      ...stores.env,
    };
  }, 90_000);

  afterAll(async () => {
    // The supervisors first, or they would start their parts again.
    for (const { pid } of await processesOf(home)) if (started.some((each) => each.pid === pid)) process.kill(pid, 'SIGKILL');
    for (const { pid } of await processesOf(home)) process.kill(pid, 'SIGKILL');
    await engine?.stop();
    await stores?.stop();
    await rm(home, { recursive: true, force: true });
  }, 60_000);

  const start = (over: NodeJS.ProcessEnv = {}): Up => {
    const up = new Up({ ...environment, ...over });
    started.push(up);
    return up;
  };
  const page = async (url: string): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
  const services = async (): Promise<Doc[]> => {
    const token = (await readFile(join(home, 'operator.token'), 'utf8')).trim();
    const answer = await fetch(`http://${environment['WAYBILL_LISTEN']}/v1/docker-services`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(5000) });
    return ((await answer.json()) as Doc).items;
  };
  const containers = async (): Promise<string[]> => (await engine.docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.State}}')).split('\n').filter(Boolean);

  it('serves a demo, ends without a trace but the containers, and finds everything again', async () => {
    const first = start();
    const url = await first.demoUrl();
    expect(new URL(url).hostname).toBe(engine.address);
    expect(await page(url)).toContain('It runs.');
    const [demo, ...others] = await services();
    expect(demo).toMatchObject({ name: 'demo', status: 'RUNNING' });
    expect(others).toEqual([]);
    const running = await containers();
    expect(running).toEqual([expect.stringMatching(/^[0-9a-f]{64} running$/)]);
    const parts = (await processesOf(home)).map(({ command }) => command);
    for (const part of ['deploy/up.ts', 'nats-server', ...APPS.map((app) => `${app}/main.js`)]) expect(parts.filter((command) => command.includes(part))).toHaveLength(1);

    expect(await first.exit('SIGINT')).toBe(0);
    expect(await processesOf(home)).toEqual([]);
    expect(await containers()).toEqual(running);
    expect(await page(url)).toContain('It runs.');

    const second = start();
    expect(await second.demoUrl()).toBe(url);
    expect(await services()).toEqual([expect.objectContaining({ docker_service_id: demo.docker_service_id, status: 'RUNNING' })]);
    expect(await containers()).toEqual(running);

    const third = start({ WAYBILL_LISTEN: `127.0.0.1:${await freePort()}` });
    expect(await third.exit()).toBe(1);
    expect(third.printed).toContain(`an installation runs already in ${home} (process ${second.pid})`);
    expect(await page(url)).toContain('It runs.');
    expect(await services()).toHaveLength(1);

    expect(await second.exit('SIGINT')).toBe(0);
    expect(await processesOf(home)).toEqual([]);
    expect(await containers()).toEqual(running);
  }, 2 * READY_MS);

  it('ends what it has begun when it is interrupted in the middle of its start', async () => {
    for (const begun of ['nats-server', 'api-gateway/main.js']) {
      const up = start();
      await until(`${begun} was never started`, END_MS, async () => (await processesOf(home)).some(({ command }) => command.includes(begun)));
      expect(await up.exit('SIGINT')).toBe(0);
      expect(await processesOf(home)).toEqual([]);
    }
  }, 3 * END_MS);

  it('says what it lacks, and leaves nothing behind then either', async () => {
    const up = start({ PATH: '/nowhere' });
    expect(await up.exit()).toBe(1);
    expect(up.printed).toContain('could not start: nats-server does not listen');
    expect(up.printed).not.toMatch(/^ +at /m);
    expect(await processesOf(home)).toEqual([]);
    expect(existsSync(join(home, 'supervisor.pid'))).toBe(false);
  }, 2 * END_MS);
});
