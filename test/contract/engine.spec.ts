import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { importBusybox, startEngine, type TestEngine } from '#testing';

const IMAGE = 'waybill-test/busybox:1';
const folderOf = (engine: TestEngine): string => dirname(engine.host.slice('unix://'.length));

/** Whatever of an engine is still on the machine. */
function tracesOf(folder: string, name: string): string[] {
  const commandLines = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : ''));
  const interfaces = execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }).split('\n');
  return [
    ...commandLines.filter((line) => line.includes(folder)),
    ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(folder)),
    ...interfaces.filter((line) => line.includes(name)),
    ...execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-name', name], { encoding: 'utf8' }).split('\n').filter(Boolean),
    ...(existsSync(folder) ? [folder] : []),
  ];
}

/** The end-to-end tests rely on an engine that disturbs no other, and whose containers live through its own death. */
describe('an engine of a test’s own', () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine();
    await importBusybox(engine.host, IMAGE);
  }, 60_000);
  afterEach(() => engine.stop(), 60_000);

  const page = (port: number, on = engine): Promise<string> => fetch(`http://${on.address}:${port}/`, { signal: AbortSignal.timeout(5_000) }).then((answer) => answer.text());

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

  it('leaves nothing behind, even when it was killed with containers running', async () => {
    const folder = folderOf(engine);
    const name = readFileSync(`${folder}/name`, 'utf8');
    await engine.docker('network', 'create', 'backend');
    await engine.docker('run', '-d', '--network', 'backend', '-p', '8080:80', IMAGE, 'httpd', '-f', '-p', '80', '-h', '/www');
    expect(tracesOf(folder, name).length).toBeGreaterThan(4);
    await engine.kill();
    await engine.stop();
    expect(tracesOf(folder, name)).toEqual([]);
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
