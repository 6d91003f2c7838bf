import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { digest } from './ids.ts';

/** Where something listens. Port 0: any free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** All that an installation can be told from outside, checked. Every app reads the whole of it and takes what it needs. */
export interface Config {
  /** `WAYBILL_HOME`: folder of all state, absolute. */
  readonly home: string;
  /** `WAYBILL_INSTALLATION`: what tells this installation's containers from those of others; default derived from `home`. */
  readonly installation: string;
  /** `WAYBILL_LISTEN`: the gateway's address. */
  readonly listen: HostPort;
  /** `WAYBILL_HEALTH_LISTEN`: `/healthz` and `/readyz` of an app that has no REST. */
  readonly healthListen: HostPort;
  /** `NATS_URL`. */
  readonly natsUrl: string;
  /** `EVENT_STORE_URL`: `sqlite:<absolute file>`, `esdb://…` or `esdb+discover://…`. */
  readonly eventStoreUrl: string;
  /** `READ_MODEL_URL`: `sqlite:<absolute file>`, `mongodb://…` or `mongodb+srv://…`. */
  readonly readModelUrl: string;
  /** `VALUE_STORE_URL`: `sqlite:<absolute file>`, `mongodb://…` or `mongodb+srv://…`; where secrets and configs are kept, encrypted. */
  readonly valueStoreUrl: string;
  /** `WAYBILL_KEY_FILE`: the keys that they are encrypted under, absolute. */
  readonly keyFile: string;
  /** `IDENTITY_STORE_URL`: `sqlite:<absolute file>`, `mongodb://…` or `mongodb+srv://…`; where names, logins, hashes and addresses are kept. */
  readonly identityStoreUrl: string;
  /** `WAYBILL_SESSION_KEY_FILE`: the key that sessions are signed by, absolute. */
  readonly sessionKeyFile: string;
  /** `WAYBILL_REQUESTS_PER_TOKEN`, `WAYBILL_REQUESTS_PER_ADDRESS`: so many a second, ten times as many at once; 0: no limit. */
  readonly requestsPerToken: number;
  readonly requestsPerAddress: number;
  /** `WAYBILL_TRUSTED_PROXIES`: addresses and ranges whose word on where a request comes from is taken. */
  readonly trustedProxies: readonly string[];
  /** `DOCKER_HOST`: `unix:///…` or `tcp://…`. */
  readonly dockerHost: string;
  /** `WAYBILL_NODE_NAME`; default the host's name. */
  readonly nodeName: string;
  /** `WAYBILL_NODE_ADDRESS`: where published ports are reached. */
  readonly nodeAddress: string;
  /** `WAYBILL_NODE_DIR`: the agent's own folder, absolute. */
  readonly nodeDir: string;
  /** `WAYBILL_NODE_LABELS`: `zone=a,disk=ssd`. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** `WAYBILL_SUBNET_POOL`: what environments' /24 networks are cut from. */
  readonly subnetPool: string;
  /** `LOG_LEVEL`. */
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The environment says something that can't be meant; each line of the message names a variable and the way out. */
export class ConfigError extends Error {}

/** Reads the environment; an empty variable counts as unset. Any of them may stand in a file instead, named by the variable with
 *  `_FILE` behind it: a secret has no place in an environment, which others get to see.
 *  @throws ConfigError with all that is wrong at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const read = <T>(name: string, fallback: string, parse: (text: string) => T): T => {
    const file = env[`${name}_FILE`];
    const text = env[name];
    try {
      if (text && file) throw new Error(`${name}_FILE is there too; say one of them`);
      return parse(file ? readFileSync(file, 'utf8').trim() || fallback : text || fallback);
    } catch (error) {
      const said = file && !text ? `${name}_FILE is "${file}"` : `${name} is "${withoutPassword(text || fallback)}"`;
      problems.push(`${said}: ${(error as Error).message}`);
      return undefined as T;
    }
  };
  const home = read('WAYBILL_HOME', '.waybill', (text) => resolve(text));
  const config: Config = {
    home,
    installation: read('WAYBILL_INSTALLATION', digest([home], 8), installation),
    listen: read('WAYBILL_LISTEN', '127.0.0.1:7700', hostPort),
    healthListen: read('WAYBILL_HEALTH_LISTEN', '127.0.0.1:0', hostPort),
    natsUrl: read('NATS_URL', 'nats://127.0.0.1:4222', url(['nats:', 'tls:'], 'nats://127.0.0.1:4222')),
    eventStoreUrl: read('EVENT_STORE_URL', `sqlite:${join(home, 'events.db')}`, eventStoreUrl),
    readModelUrl: read('READ_MODEL_URL', `sqlite:${join(home, 'read-models.db')}`, readModelUrl),
    valueStoreUrl: read('VALUE_STORE_URL', `sqlite:${join(home, 'values.db')}`, readModelUrl),
    keyFile: read('WAYBILL_KEY_FILE', join(home, 'values.key'), (text) => resolve(text)),
    identityStoreUrl: read('IDENTITY_STORE_URL', `sqlite:${join(home, 'identity.db')}`, readModelUrl),
    sessionKeyFile: read('WAYBILL_SESSION_KEY_FILE', join(home, 'session.key'), (text) => resolve(text)),
    requestsPerToken: read('WAYBILL_REQUESTS_PER_TOKEN', '200', perSecond),
    requestsPerAddress: read('WAYBILL_REQUESTS_PER_ADDRESS', '1000', perSecond),
    trustedProxies: read('WAYBILL_TRUSTED_PROXIES', '', addresses),
    dockerHost: read('DOCKER_HOST', 'unix:///var/run/docker.sock', url(['unix:', 'tcp:', 'http:', 'https:'], 'unix:///var/run/docker.sock')),
    nodeName: read('WAYBILL_NODE_NAME', hostname(), nodeName),
    nodeAddress: read('WAYBILL_NODE_ADDRESS', '127.0.0.1', (text) => text),
    nodeDir: read('WAYBILL_NODE_DIR', join(home, 'node'), (text) => resolve(text)),
    nodeLabels: read('WAYBILL_NODE_LABELS', '', labels),
    subnetPool: read('WAYBILL_SUBNET_POOL', '10.192.0.0/11', subnetPool),
    logLevel: read('LOG_LEVEL', 'info', logLevel),
  };
  if (problems.length > 0) throw new ConfigError(`the environment can't be used:\n  ${problems.join('\n  ')}`);
  return config;
}

const withoutPassword = (text: string): string => text.replace(/\/\/[^/]*@/, '//…@');

/** The file of a `sqlite:` URL, absolute. @throws ConfigError for any other kind of store. */
export function sqliteFile(storeUrl: string): string {
  if (!storeUrl.startsWith('sqlite:')) throw new ConfigError(`"${storeUrl}" is no sqlite: URL; write sqlite:<path of a file>`);
  return resolve(storeUrl.slice('sqlite:'.length));
}

function hostPort(text: string): HostPort {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65535) throw new Error('write <host>:<port>, like 127.0.0.1:7700 (port 0: any free one)');
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port };
}

const url = (protocols: readonly string[], example: string) => (text: string): string => {
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) throw new Error(`write a URL like ${example}`);
  return text;
};

/** What only the client can judge, more than one host or options, is left to it; in both. */
function eventStoreUrl(text: string): string {
  if (/^esdb(\+discover)?:\/\/[^/?]+/.test(text)) return text;
  if (!text.startsWith('sqlite:') || text === 'sqlite:') throw new Error('write sqlite:<path of a file> or esdb://<host>:2113');
  return `sqlite:${sqliteFile(text)}`;
}

function readModelUrl(text: string): string {
  if (/^mongodb(\+srv)?:\/\/[^/?]+/.test(text)) return text;
  if (!text.startsWith('sqlite:') || text === 'sqlite:') throw new Error('write sqlite:<path of a file> or mongodb://<host>/<database>');
  return `sqlite:${sqliteFile(text)}`;
}

function installation(text: string): string {
  if (!/^[a-z0-9]{1,16}$/.test(text)) throw new Error('use 1 to 16 lower-case letters and digits');
  return text;
}

function nodeName(text: string): string {
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/.test(text)) throw new Error('use up to 63 letters, digits, dots, dashes and underscores');
  return text;
}

function labels(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.trim()).filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const match = /^([A-Za-z0-9._/-]+)=(.*)$/.exec(pair);
      if (!match) throw new Error(`"${pair}" isn't <key>=<value>; write zone=a,disk=ssd`);
      return [match[1], match[2]];
    }),
  );
}

function subnetPool(text: string): string {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [a, b, c, d, bits] = (match ?? []).slice(1).map(Number);
  const octets = [a, b, c, d];
  if (bits === undefined || bits < 8 || bits > 24 || octets.some((octet) => octet === undefined || octet > 255)) {
    throw new Error('write an IPv4 range of /8 to /24, like 10.192.0.0/11');
  }
  return text;
}

function perSecond(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error('write a whole number, like 200 (0: no limit)');
  return Number(text);
}

function addresses(text: string): string[] {
  const all = text.split(',').map((each) => each.trim()).filter((each) => each !== '');
  const wrong = all.find((each) => !/^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(each));
  if (wrong !== undefined) throw new Error(`"${wrong}" is no address; write 10.0.0.5,10.1.0.0/16`);
  return all;
}

function logLevel(text: string): Config['logLevel'] {
  if (text !== 'debug' && text !== 'info' && text !== 'warn' && text !== 'error') throw new Error('write debug, info, warn or error');
  return text;
}
