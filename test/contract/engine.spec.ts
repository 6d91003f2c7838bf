import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { importBusybox, startEngine, startNats, type TestEngine } from '#testing';
import { footprintOf, remainsOf, runs } from './engine-footprint.ts';

const IMAGE = 'waybill-test/busybox:1';

/** The end-to-end tests rely on an engine that disturbs no other, and whose containers live through its own death. */
describe('an engine of a test’s own', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
    await importBusybox(engine.host, IMAGE);
  }, 60_000);
  afterEach(async () => {
    for (const id of (await engine.docker('ps', '-aq')).split('\n').filter(Boolean)) await engine.docker('rm', '-f', id);
    await engine.docker('network', 'prune', '-f');
  }, 30_000);
  afterAll(() => engine?.stop(), 60_000);

  /** Waits for a server that was only just started. */
  const page = async (port: number, on = engine): Promise<string> => {
    for (const until = performance.now() + 10_000; ; await pause(50)) {
      try {
        const answer = await fetch(`http://${on.address}:${port}/`, { signal: AbortSignal.timeout(5_000) });
        return await answer.text();
      } catch (error) {
        if (performance.now() > until) throw error;
      }
    }
  };

  it('publishes ports at its own address, and resolves names in its networks', async () => {
    await engine.docker('network', 'create', '--subnet', '10.192.0.0/24', 'backend');
    await engine.docker('run', '-d', '--name', 'web', '--network', 'backend', '-p', '8080:80', IMAGE, 'httpd', '-f', '-p', '80', '-h', '/www');
    expect(await page(8080)).toBe('hello from waybill\n');
    expect(await engine.docker('run', '--rm', '--network', 'backend', IMAGE, 'wget', '-qO-', 'http://web/')).toBe('hello from waybill\n');
  }, 60_000);

  it('keeps containers running when it is killed, and finds them when it comes back', async () => {
    await engine.docker('network', 'create', 'backend');
    const id = (await engine.docker('run', '-d', '--network', 'backend', '-p', '8080:80', IMAGE, 'httpd', '-f', '-p', '80', '-h', '/www')).trim();
    await engine.kill();
    await expect(engine.docker('ps')).rejects.toThrow();
    await engine.restart();
    expect((await engine.docker('ps', '-q', '--no-trunc')).trim()).toBe(id);
    expect(await page(8080)).toBe('hello from waybill\n');
  }, 60_000);

  it('runs beside another one that publishes the same port', async () => {
    const other = await startEngine();
    try {
      await importBusybox(other.host, IMAGE);
      for (const [which, text] of [[engine, 'one'], [other, 'two']] as const) {
        await which.docker('network', 'create', '--subnet', '10.192.0.0/24', 'backend');
        await which.docker('run', '-d', '--network', 'backend', '-p', '8080:80', IMAGE, 'sh', '-c', `echo ${text} > /www/index.html; exec httpd -f -p 80 -h /www`);
      }
      expect(await page(8080)).toBe('one\n');
      expect(await page(8080, other)).toBe('two\n');
    } finally {
      await other.stop();
    }
    expect(await page(8080)).toBe('one\n');
  }, 60_000);
});

describe('a test run', () => {
  const own = (): string[] => readdirSync(tmpdir()).filter((entry) => /^waybill-(engine|image|nats)-/.test(entry) && entry.split('-')[2] === String(process.pid));

  it.each([
    ['stopped', async () => undefined],
    ['killed', (engine: TestEngine) => engine.kill()],
  ])('whose engine is %s while containers run leaves nothing behind', async (_how, first) => {
    const engine = await startEngine();
    try {
      await importBusybox(engine.host, IMAGE);
      await engine.docker('network', 'create', 'backend');
      await engine.docker('run', '-d', '--network', 'backend', '-p', '8080:80', '-v', '/data', IMAGE, 'httpd', '-f', '-p', '80', '-h', '/www');
      await engine.docker('run', '-d', '--network', 'none', '--restart', 'always', IMAGE, 'sh', '-c', 'sleep 1000 & trap "" TERM; while :; do sleep 0.1; done');
      const footprint = footprintOf(engine);
      expect(remainsOf(footprint).length).toBeGreaterThan(10);
      await first(engine);
      await engine.stop();
      expect(remainsOf(footprint)).toEqual([]);
    } finally {
      await engine.stop();
    }
  }, 60_000);

  it('that fails to start an engine leaves nothing behind, and says why', async () => {
    const before = own();
    await expect(startEngine({ flags: ['--no-such-flag'] })).rejects.toThrow(/unknown flag: --no-such-flag/);
    expect(own()).toEqual(before);
  }, 60_000);

  it('that was killed is swept away by the next', async () => {
    const flags = ['--conditions=source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
    const killed = spawn(process.execPath, [...flags, fileURLToPath(new URL('engine.process.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } });
    try {
      const [line] = await once(killed.stdout, 'data');
      const left = JSON.parse(String(line)) as { host: string; address: string; hostAddress: string; broker: number };
      const footprint = footprintOf(left);
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      expect(remainsOf(footprint).length).toBeGreaterThan(10);
      expect(runs(left.broker)).toBe(true);

      const [engine, broker] = [await startEngine(), await startNats()];
      await broker.stop();
      await engine.stop();
      expect(remainsOf(footprint)).toEqual([]);
      expect(runs(left.broker)).toBe(false);
      expect(readdirSync(tmpdir()).filter((entry) => entry.includes(`-${killed.pid}-`))).toEqual([]);
    } finally {
      killed.kill('SIGKILL');
    }
  }, 120_000);
});
