import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openEventStore } from '#event-store';
import { readConfig, systemClock, systemRandom } from '#platform';
import { MemoryLogger, newEvents } from '#testing';
import { APPS } from '../../deploy/installation.ts';
import { ProtocolServer } from '../eventstoredb-server/server.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const FILE = join(root, 'deploy/compose.yaml');
const SERVERS = ['nats', 'eventstore', 'mongodb'];

/** `docker compose`, or Debian's `docker-compose`: whichever is here. */
const compose = [['docker', 'compose'], ['docker-compose']].find(([command, ...args]) => {
  try {
    execFileSync(command!, [...args, 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

let secrets: string;
beforeAll(async () => {
  secrets = join(await mkdtemp(join(tmpdir(), 'waybill-compose-')), 'secrets');
  await run(join(root, 'deploy/secrets.sh'), [secrets]);
}, 60_000);
afterAll(() => rm(join(secrets, '..'), { recursive: true }));

const secret = (name: string): Promise<string> => readFile(join(secrets, name), 'utf8');

describe('the secrets of compose.yaml', () => {
  it('are for nobody else on the host, and readable for every user in a container', async () => {
    expect((await stat(secrets)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(secrets)) expect([file, (await stat(join(secrets, file))).mode & 0o777]).toEqual([file, file === 'values.key' ? 0o600 : 0o444]);
  });

  it('are made once', async () => {
    const before = await secret('event_store_url');
    await expect(run(join(root, 'deploy/secrets.sh'), [secrets])).rejects.toThrow('are in');
    expect(await secret('event_store_url')).toBe(before);
  });

  it('open the event store and the read models, each under the name that it has there', async () => {
    const config = readConfig({ EVENT_STORE_URL_FILE: join(secrets, 'event_store_url'), READ_MODEL_URL_FILE: join(secrets, 'read_model_url') });
    const [, password] = /^EVENTSTORE_DEFAULT_ADMIN_PASSWORD=(.+)$/m.exec(await secret('eventstore.env'))!;
    expect(config.readModelUrl).toBe(`mongodb://waybill:${await secret('mongodb_password')}@mongodb:27017/waybill?authSource=admin`);
    const file = join(secrets, '..', 'events.db');
    const tls = { certificate: Buffer.from(await secret('eventstore.crt')), key: Buffer.from(await secret('eventstore.key')) };
    const server = await ProtocolServer.start({ file, tls, credentials: { username: 'admin', password: password! } });
    // Here there is no such host, and no such folder; the certificate stands for this host as well.
    const url = config.eventStoreUrl.replace('@eventstore:2113', `@localhost:${server.port}`).replace('/run/secrets/eventstore_ca', join(secrets, 'eventstore_ca.crt'));
    const store = await openEventStore(url, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() });
    try {
      await store.append('plan-small', 'no-stream', newEvents('plan-small', [{ type: 'PlanDefined', data: {} }]));
      expect((await store.readAll(null, { limit: 10 })).events).toHaveLength(1);
    } finally {
      await store.close();
      await server.stop();
    }
  }, 30_000);

  it('certify the server under its name in the network', async () => {
    const args = ['verify', '-CAfile', join(secrets, 'eventstore_ca.crt'), '-purpose', 'sslserver', '-verify_hostname'];
    await run('openssl', [...args, 'eventstore', join(secrets, 'eventstore.crt')]);
    await expect(run('openssl', [...args, 'elsewhere', join(secrets, 'eventstore.crt')])).rejects.toThrow('ostname mismatch');
  });
});

/** A service as `config` prints it: two spaces before its name, four before its members. */
function servicesOf(config: string): Map<string, string> {
  const [, services = ''] = /^services:\n((?: .*\n)+)/m.exec(config) ?? [];
  return new Map([...services.matchAll(/^ {2}(\S+):\n((?: {3,}.*\n)+)/gm)].map(([, name, text]) => [name!, text!]));
}

/** The variables under `environment:`. */
function environmentOf(service: string): Record<string, string> {
  const [, lines = ''] = /^ {4}environment:\n((?: {6}.*\n)+)/m.exec(service) ?? [];
  return Object.fromEntries([...lines.matchAll(/^ {6}(\w+): *"?'?(.*?)'?"?$/gm)].map(([, name, value]) => [name!, value!]));
}

describe('compose.yaml', () => {
  const here = compose ? it : it.skip;
  const config = async (env: Record<string, string> = { WAYBILL_NODE_ADDRESS: '192.0.2.1' }): Promise<string> => {
    const [command, ...args] = compose!;
    const { stdout } = await run(command!, [...args, '-p', 'waybill', '-f', FILE, 'config'], { env: { PATH: process.env.PATH, WAYBILL_SECRETS: secrets, ...env } });
    return stdout;
  };

  it('has no secret in it, and mounts each file that is made', async () => {
    const text = await readFile(FILE, 'utf8');
    for (const file of await readdir(secrets)) {
      expect(text).toContain(`/${file}`);
      expect(text).not.toContain((await secret(file)).trim());
    }
    expect(text).not.toMatch(/(password|token|key)\w*: *["']?[^\s/{"'][^\s/]*$/im);
  });

  here('is taken by compose: the five apps and the three servers, each with a health check, and all that holds anything in a volume', async () => {
    const services = servicesOf(await config());
    expect([...services.keys()].sort()).toEqual([...APPS, ...SERVERS].sort());
    for (const service of services.values()) expect(service).toMatch(/healthcheck:[\s\S]+restart: unless-stopped/);
    for (const name of ['eventstore', 'mongodb', 'api-gateway', 'node-agent']) expect(services.get(name)).toMatch(/^ {4}volumes:$/m);
  }, 60_000);

  here('gives each app an environment that it takes, on the servers of this file', async () => {
    const services = servicesOf(await config());
    for (const app of APPS) {
      const service = services.get(app)!;
      const inContainer = environmentOf(service);
      const files = Object.fromEntries(Object.entries(inContainer).map(([name, value]) => [name, value.replace('/run/secrets/', `${secrets}/`)]));
      const read = readConfig(files);
      const [nats, port] = app === 'node-agent' ? ['172.31.251.2', 7701] : ['nats', 7700];
      expect([read.natsUrl, read.installation, read.listen.port, read.healthListen.port]).toEqual([`nats://${nats}:4222`, 'production', port, port]);
      expect(service).toContain(`dist/apps/${app}/main.js`);
      expect(existsSync(join(root, 'apps', app, 'main.ts'))).toBe(true);
      expect(read.eventStoreUrl.startsWith(app === 'node-agent' ? 'sqlite:' : 'esdb://')).toBe(true);
      expect(read.readModelUrl.startsWith(app === 'api-gateway' ? 'mongodb://' : 'sqlite:')).toBe(true);
    }
  }, 60_000);

  here('leaves the agent no way to a store, the stores no way out, and one door for clients', async () => {
    const text = await config();
    const services = servicesOf(text);
    expect(services.get('node-agent')).not.toMatch(/secrets:|stores:/);
    expect(services.get('node-agent')).toMatch(/network_mode: host/);
    for (const [name, service] of services) expect([name, /^ {4}ports:$/m.test(service)]).toEqual([name, name === 'api-gateway']);
    expect(services.get('api-gateway')).toMatch(/127\.0\.0\.1/);
    for (const network of ['bus', 'stores']) expect(text).toMatch(new RegExp(`^ {2}${network}:\\n(?: {4}.*\\n)*? {4}internal: true$`, 'm'));
  }, 60_000);

  here('starts nothing before it is told where this host is reached', async () => {
    await expect(config({})).rejects.toThrow('say where this host is reached');
  }, 60_000);
});
