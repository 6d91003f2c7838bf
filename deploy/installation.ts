import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Supervised, answers, freePort, until } from './processes.ts';

/** In the order in which they are started; stopped in the reverse one. */
export const APPS = ['api-gateway', 'scheduler', 'health-monitor', 'job-runner', 'node-agent'] as const;
export type App = (typeof APPS)[number];

/** These have much to do at times, and leave as much behind. */
const BUSY: ReadonlySet<App> = new Set(['api-gateway', 'scheduler']);

/** Node's arguments to run an app of these compiled ones. What lives short has little room and so is cleared away often: apps that wait most
 *  of the time stay small. */
export const nodeArgsOf = (app: App, dist: string): readonly string[] => [
  '--disable-warning=ExperimentalWarning',
  `--import=${pathToFileURL(join(dist, 'libs/platform/source-maps.js')).href}`,
  ...(BUSY.has(app) ? ['--max-semi-space-size=4'] : ['--optimize-for-size', '--max-semi-space-size=1']),
  join(dist, 'apps', app, 'main.js'),
];

export interface InstallationOptions {
  /** State, logs and the operator's token. Made when it isn't there. */
  readonly home: string;
  /** The gateway's address, `host:port`. */
  readonly listen: string;
  /** Passed on to the apps: DOCKER_HOST, NATS_URL, EVENT_STORE_URL, … */
  readonly env: NodeJS.ProcessEnv;
  /** Where the compiled apps are. */
  readonly dist: string;
  /** Hears every line of every part. */
  readonly onLine?: (part: string, line: string) => void;
  /** How many of each app; one where not named. */
  readonly instances?: Partial<Record<Exclude<App, 'node-agent'>, number>>;
  /** Where the broker listens, if it is started here: where every agent can reach it. */
  readonly brokerAddress?: string;
  /** The network of the first agent, where that isn't this process's. */
  readonly network?: AgentNetwork;
  /** Further hosts: each an agent with an engine, a folder and a name of its own. */
  readonly nodes?: readonly { readonly name: string; readonly dockerHost: string; readonly address: string; readonly network?: AgentNetwork }[];
}

/** An agent belongs into its engine's network: it asks replicas by their own addresses. */
export interface AgentNetwork {
  /** What its command begins with: `nsenter --net=…`. */
  readonly enter: readonly string[];
  /** Where it is reached there, from here. */
  readonly address: string;
}

/** One Waybill on one machine: its broker (unless NATS_URL names one) and its five apps, supervised. */
export class Installation {
  readonly #parts = new Map<string, Supervised>();
  readonly #health = new Map<string, string>();
  #releaseHome: () => void = () => undefined;
  /** A start that is still under way begins nothing more. */
  #isStopped = false;
  readonly options: InstallationOptions;

  constructor(options: InstallationOptions) {
    this.options = options;
  }

  get url(): string {
    return `http://${this.options.listen}`;
  }

  /** Where a gateway answers: `api-gateway`, `api-gateway-2`. @throws Error when there is none of that name. */
  urlOf(gateway: string): string {
    const health = this.#health.get(gateway);
    if (!health) throw new Error(`no part ${gateway}; there are ${[...this.#health.keys()].join(', ')}`);
    return new URL(health).origin;
  }

  /** The names of all parts, in the order in which they were started. */
  get partNames(): string[] {
    return [...this.#parts.keys()];
  }

  /** The operator's token. @throws Error before the gateway's first start. */
  get token(): string {
    return readFileSync(join(this.options.home, 'operator.token'), 'utf8').trim();
  }

  /** Starts everything and waits until every part says that it is ready. @throws Error that names the part which isn't. */
  async start(readyMs = 60_000): Promise<void> {
    mkdirSync(join(this.options.home, 'logs'), { recursive: true, mode: 0o700 });
    this.#releaseHome = holdHome(this.options.home);
    this.#isStopped = false;
    try {
      await endLeftovers(this.options.home);
      const natsUrl = this.options.env['NATS_URL'] ?? (await this.#startBroker());
      for (const app of APPS) {
        const count = app === 'node-agent' ? 1 : (this.options.instances?.[app] ?? 1);
        const network = app === 'node-agent' ? this.options.network : undefined;
        for (let i = 1; i <= count; i += 1) await this.#addApp(app, i === 1 ? app : `${app}-${i}`, { NATS_URL: natsUrl }, network);
      }
      for (const { name, dockerHost, address, network } of this.options.nodes ?? []) {
        const own = { DOCKER_HOST: dockerHost, WAYBILL_NODE_NAME: name, WAYBILL_NODE_ADDRESS: address, WAYBILL_NODE_DIR: join(this.options.home, name) };
        await this.#addApp('node-agent', name, { NATS_URL: natsUrl, ...own }, network);
      }
      for (const name of this.#health.keys()) this.#startPart(name);
      for (const [name, url] of this.#health) await until(`${name} is not ready (see ${this.logFile(name)})`, readyMs, () => answers(url));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends every part, the last started first. Containers run on. Harmless when repeated. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const parts = [...this.#parts.values()].reverse();
    const broker = this.#parts.get('nats-server');
    await Promise.all(parts.filter((part) => part !== broker).map((part) => part.stop()));
    await broker?.stop();
    this.#releaseHome();
    this.#releaseHome = () => undefined;
  }

  /** A supervised part by name: `scheduler`, `scheduler-2`, `nats-server`. @throws Error when there is none. */
  part(name: string): Supervised {
    const part = this.#parts.get(name);
    if (!part) throw new Error(`no part ${name}; there are ${[...this.#parts.keys()].join(', ')}`);
    return part;
  }

  /** Waits until a part answers ready again, after it was killed. */
  async ready(name: string, readyMs = 30_000): Promise<void> {
    const url = this.#health.get(name);
    if (url) await until(`${name} is not ready`, readyMs, () => answers(url));
  }

  logFile(part: string): string {
    return join(this.options.home, 'logs', `${part}.log`);
  }

  async #startBroker(): Promise<string> {
    const [address, port] = [this.options.brokerAddress ?? '127.0.0.1', await freePort()];
    this.#supervise('nats-server', 'nats-server', ['--addr', address, '--port', String(port)], {});
    this.#startPart('nats-server');
    await until('nats-server does not listen', 10_000, () => listens(address, port));
    return `nats://${address}:${port}`;
  }

  #startPart(name: string): void {
    if (this.#isStopped) throw new Error('stopped while it was starting');
    this.part(name).start();
  }

  async #addApp(app: App, name: string, own: NodeJS.ProcessEnv, network?: AgentNetwork): Promise<void> {
    const { listen, dist } = this.options;
    const address = name === 'api-gateway' ? listen : `${network?.address ?? '127.0.0.1'}:${await freePort()}`;
    this.#health.set(name, `http://${address}/${app === 'api-gateway' ? 'readyz' : 'healthz'}`);
    const env = { WAYBILL_LISTEN: address, WAYBILL_HEALTH_LISTEN: address, ...own };
    const [command = '', ...args] = [...(network?.enter ?? []), process.execPath, ...nodeArgsOf(app, dist)];
    this.#supervise(name, command, args, env);
  }

  #supervise(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
    this.#parts.set(
      name,
      new Supervised({
        name,
        command,
        args,
        env: { ...this.options.env, ...env, WAYBILL_HOME: this.options.home, WAYBILL_PART: name },
        logFile: this.logFile(name),
        onLine: (line) => this.options.onLine?.(name, line),
      }),
    );
  }
}

/** One supervisor for a home: two would start two agents on one folder. The lock names its holder; a dead one's is taken over. */
function holdHome(home: string): () => void {
  const file = join(home, 'supervisor.pid');
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => unlinkSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(file, 'utf8'));
      if (holder !== process.pid && isAlive(holder)) throw new Error(`an installation runs already in ${home} (process ${holder}); stop it, or set WAYBILL_HOME and WAYBILL_LISTEN`);
      unlinkSync(file);
    }
  }
  throw new Error(`${file} can't be taken`);
}

/** Parts that outlived a killed supervisor of this home: two agents on one folder would fight over it. */
async function endLeftovers(home: string): Promise<void> {
  const marks = [`WAYBILL_HOME=${home}`, 'WAYBILL_PART='];
  const leftovers = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid).map(Number).filter((pid) => {
    const variables = environmentOf(pid);
    return variables.includes(marks[0] as string) && variables.some((variable) => variable.startsWith(marks[1] as string));
  });
  for (const pid of leftovers) process.kill(pid, 'SIGKILL');
  if (leftovers.length > 0) await until('parts of an earlier start do not end', 10_000, async () => !leftovers.some(isAlive));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // ended meanwhile, or somebody else's
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function listens(address: string, port: number): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(port, address, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
