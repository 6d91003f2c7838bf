import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig, sqliteFile } from './config.ts';

describe('configuration', () => {
  it('stands on defaults under the home folder', () => {
    expect(readConfig({ WAYBILL_HOME: '/srv/waybill', WAYBILL_NODE_NAME: 'host-1' })).toEqual({
      home: '/srv/waybill',
      installation: expect.stringMatching(/^[a-z2-7]{8}$/),
      listen: { host: '127.0.0.1', port: 7700 },
      healthListen: { host: '127.0.0.1', port: 0 },
      natsUrl: 'nats://127.0.0.1:4222',
      eventStoreUrl: 'sqlite:/srv/waybill/events.db',
      readModelUrl: 'sqlite:/srv/waybill/read-models.db',
      valueStoreUrl: 'sqlite:/srv/waybill/values.db',
      keyFile: '/srv/waybill/values.key',
      identityStoreUrl: 'sqlite:/srv/waybill/identity.db',
      sessionKeyFile: '/srv/waybill/session.key',
      requestsPerToken: 200,
      requestsPerAddress: 1_000,
      trustedProxies: [],
      dockerHost: 'unix:///var/run/docker.sock',
      nodeName: 'host-1',
      nodeAddress: '127.0.0.1',
      nodeDir: '/srv/waybill/node',
      nodeLabels: {},
      subnetPool: '10.192.0.0/11',
      logLevel: 'info',
    });
  });

  it('takes an empty variable as unset', () => {
    expect(readConfig({ WAYBILL_LISTEN: '', LOG_LEVEL: '' })).toMatchObject({ listen: { port: 7700 }, logLevel: 'info' });
  });

  it('names an installation by its home, the same each time and another for each home', () => {
    const of = (home: string): string => readConfig({ WAYBILL_HOME: home }).installation;
    expect(of('/srv/a')).toBe(of('/srv/a/'));
    expect(of('/srv/a')).not.toBe(of('/srv/b'));
  });

  it('reads labels and addresses', () => {
    expect(readConfig({ WAYBILL_TRUSTED_PROXIES: '10.0.0.5, 10.1.0.0/16,::1' }).trustedProxies).toEqual(['10.0.0.5', '10.1.0.0/16', '::1']);
    const config = readConfig({ WAYBILL_NODE_LABELS: 'zone=a, disk=ssd,empty=', WAYBILL_LISTEN: '[::1]:80' });
    expect(config.nodeLabels).toEqual({ zone: 'a', disk: 'ssd', empty: '' });
    expect(config.listen).toEqual({ host: '::1', port: 80 });
  });

  it.each([
    ['WAYBILL_LISTEN', '7700', '<host>:<port>'],
    ['WAYBILL_LISTEN', '127.0.0.1:99999', '<host>:<port>'],
    ['NATS_URL', 'localhost', 'nats://127.0.0.1:4222'],
    ['NATS_URL', 'http://localhost', 'nats://127.0.0.1:4222'],
    ['EVENT_STORE_URL', 'mongodb://localhost', 'sqlite:'],
    ['EVENT_STORE_URL', 'sqlite:', 'sqlite:'],
    ['EVENT_STORE_URL', 'esdb://', 'esdb://<host>:2113'],
    ['READ_MODEL_URL', 'postgres://localhost', 'mongodb://<host>/<database>'],
    ['READ_MODEL_URL', 'mongodb://', 'mongodb://<host>/<database>'],
    ['READ_MODEL_URL', 'sqlite:', 'sqlite:<path of a file>'],
    ['IDENTITY_STORE_URL', 'postgres://localhost', 'mongodb://<host>/<database>'],
    ['WAYBILL_REQUESTS_PER_TOKEN', 'many', 'whole number'],
    ['WAYBILL_TRUSTED_PROXIES', 'proxy.example', '10.0.0.5'],
    ['DOCKER_HOST', '/var/run/docker.sock', 'unix:///var/run/docker.sock'],
    ['WAYBILL_INSTALLATION', 'Not_This', 'lower-case'],
    ['WAYBILL_NODE_NAME', 'no spaces', 'letters'],
    ['WAYBILL_NODE_LABELS', 'zone', 'zone=a'],
    ['WAYBILL_SUBNET_POOL', '10.0.0.0', '10.192.0.0/11'],
    ['WAYBILL_SUBNET_POOL', '10.0.0.0/30', '/8 to /24'],
    ['WAYBILL_SUBNET_POOL', '10.0.0.999/16', '10.192.0.0/11'],
    ['LOG_LEVEL', 'loud', 'debug, info'],
  ])('refuses %s=%s with the way out', (name, value, wayOut) => {
    const attempt = () => readConfig({ [name]: value });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(`${name} is "${value}"`);
    expect(attempt).toThrow(wayOut);
  });

  it.each(['mongodb://one:27017,two:27017/waybill?replicaSet=rs0', 'mongodb+srv://user:secret@cluster.example/'])('takes %s for the read models as it is', (url) => {
    expect(readConfig({ READ_MODEL_URL: url }).readModelUrl).toBe(url);
  });

  it.each(['esdb://admin:secret@one:2113,two:2113?tls=true', 'esdb+discover://cluster.example'])('takes %s for the event store as it is', (url) => {
    expect(readConfig({ EVENT_STORE_URL: url }).eventStoreUrl).toBe(url);
  });

  it('repeats no password', () => {
    const attempt = () => readConfig({ EVENT_STORE_URL: 'postgres://operator:s3cret@host/db' });
    expect(attempt).toThrow('postgres://…@host/db');
    expect(attempt).not.toThrow('s3cret');
  });

  it('reads from a file what stands in one, and repeats nothing of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-config-'));
    const file = join(folder, 'url');
    const read = (text: string, more: Record<string, string> = {}) => {
      writeFileSync(file, text);
      return readConfig({ EVENT_STORE_URL_FILE: file, WAYBILL_HOME: '/srv', ...more }).eventStoreUrl;
    };
    try {
      expect(read('esdb://admin:s3cret@one:2113\n')).toBe('esdb://admin:s3cret@one:2113');
      expect(read('\n')).toBe('sqlite:/srv/events.db');
      expect(() => read('admin:s3cret@one')).toThrow(`EVENT_STORE_URL_FILE is "${file}": write sqlite:`);
      expect(() => read('admin:s3cret@one')).not.toThrow('s3cret');
      expect(() => read('sqlite:a.db', { EVENT_STORE_URL: 'sqlite:b.db' })).toThrow('EVENT_STORE_URL_FILE is there too');
      expect(() => readConfig({ NATS_URL_FILE: join(folder, 'none') })).toThrow(/NATS_URL_FILE is ".+none": ENOENT/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names everything that is wrong at once', () => {
    const attempt = () => readConfig({ WAYBILL_LISTEN: 'x', LOG_LEVEL: 'y' });
    expect(attempt).toThrow('WAYBILL_LISTEN');
    expect(attempt).toThrow('LOG_LEVEL');
  });

  it('gives the file of a sqlite URL', () => {
    expect(sqliteFile('sqlite:/srv/waybill/events.db')).toBe('/srv/waybill/events.db');
    expect(() => sqliteFile('esdb://localhost')).toThrow('sqlite:<path of a file>');
  });
});
