import { mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FILE_ROOTS } from '#docker';
import { readConfig } from '#platform';
import { copyImage, importBusybox, startEngine, type TestEngine } from '#testing';
import { Installation, type InstallationOptions } from '../../deploy/installation.ts';
import { freePort } from '../../deploy/processes.ts';
import { ApiDocument, type Sent } from './api-document.ts';
import { openStores, type Stores } from './stores.ts';

const DIST = resolve(import.meta.dirname, '../../dist');

/** The image that every engine of a test has: busybox with its applets. */
export const IMAGE = 'waybill-test/busybox:1';
/** Sleeps until it is told to stop, at once then: busybox as process 1 ignores SIGTERM without a trap. */
export const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'];
/** A deployment counts a replica as started after this; the default of 10 s would only make tests slow. */
export const QUICK = { min_healthy_ms: 300 };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents as any REST client reads them
export type Doc = any;

export interface Answer {
  readonly status: number;
  readonly body: Doc;
  readonly headers: Headers;
}

const TROUBLE = /"level":"(warn|error)"|\[(WRN|ERR|FTL)\]/;

/** A whole installation with an engine of its own, torn down without a trace. */
export class World {
  environmentId = '';
  #api: ApiDocument | null = null;
  private constructor(
    readonly engine: TestEngine,
    readonly installation: Installation,
    readonly home: string,
    readonly further: readonly TestEngine[],
    readonly stores: Stores,
  ) {}

  static async start(options: Pick<InstallationOptions, 'instances'> & { nodes?: readonly string[]; env?: NodeJS.ProcessEnv } = {}): Promise<World> {
    const home = await mkdtemp(join(tmpdir(), 'waybill-e2e-'));
    const opened: { stop(): Promise<void> }[] = [];
    const open = async <T extends { stop(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
      const one = await opening;
      opened.unshift(one);
      return one;
    };
    try {
      const stores = await open(openStores(home));
      const engine = await open(startEngine());
      await importBusybox(engine.host, IMAGE);
      const further: TestEngine[] = [];
      for (const _ of options.nodes ?? []) {
        const another = await open(startEngine());
        further.push(another);
        await copyImage(engine.host, another.host, IMAGE);
      }
      for (const one of [engine, ...further]) await one.reach(engine.hostAddress);
      const { NODE_OPTIONS: _nodeOptions, ...environment } = process.env;
      const installation = new Installation({
        home,
        listen: `127.0.0.1:${await freePort()}`,
        dist: DIST,
        env: { ...environment, DOCKER_HOST: engine.host, WAYBILL_NODE_NAME: 'host-1', WAYBILL_NODE_ADDRESS: engine.address, LOG_LEVEL: 'info', ...stores.env, ...options.env },
        instances: options.instances,
        brokerAddress: engine.hostAddress,
        // A broker of somebody else's listens to nobody in there.
        network: options.env?.['NATS_URL'] ? undefined : engine,
        nodes: (options.nodes ?? []).map((name, i) => ({ name, dockerHost: further[i]!.host, address: further[i]!.address, network: further[i]! })),
      });
      opened.unshift(installation);
      const world = new World(engine, installation, home, further, stores);
      await installation.start();
      world.#api = new ApiDocument(await world.get('/openapi.json'));
      world.environmentId = (await world.get('/v1/environments?name=default')).items[0].environment_id;
      const nodes = 1 + further.length;
      await world.eventually(`${nodes} nodes are registered`, async () => (await world.get('/v1/nodes')).items.length === nodes);
      return world;
    } catch (error) {
      for (const one of opened) await one.stop();
      await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.installation.stop();
    for (const one of [this.engine, ...this.further, this.stores]) await one.stop();
    await rm(this.home, { recursive: true, force: true });
    // What containers that were still there had been given.
    const { installation } = readConfig({ WAYBILL_HOME: this.home });
    for (const root of FILE_ROOTS) {
      await rm(join(root, installation), { recursive: true, force: true });
      await rmdir(root).catch(() => undefined);
    }
  }

  /** What the gateway says of itself. Every answer that comes through here is held against it. */
  get api(): ApiDocument {
    if (!this.#api) throw new Error('the installation has not started');
    return this.#api;
  }

  /** A request as it stands, without a token of its own, and its whole answer. @throws Error for an answer that isn't as the API describes it */
  async sent(method: string, path: string, init: RequestInit = {}, gateway = 'api-gateway'): Promise<Sent> {
    const answer = await fetch(`${this.installation.urlOf(gateway)}${path}`, { signal: AbortSignal.timeout(30_000), ...init, method });
    const sent = { status: answer.status, headers: answer.headers, text: await answer.text() };
    this.#api?.check(method, path, sent);
    return sent;
  }

  /** GET of a stream, with the operator's token: its events, or lines, as they come, until the caller has enough, at most a minute.
   *  @throws Error for one that isn't as the API describes it, and for any status but 200 */
  async *stream(path: string, headers: Record<string, string> = {}, hasBegun: (head: Omit<Sent, 'text'>) => void = () => undefined): AsyncGenerator<string> {
    const leaving = new AbortController();
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(60_000)]);
    const answer = await fetch(`${this.installation.url}${path}`, { headers: { authorization: `Bearer ${this.installation.token}`, ...headers }, signal });
    try {
      this.api.checkHead('GET', path, answer);
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
      hasBegun(answer);
      yield* this.api.parts('GET', path, answer, answer.body!);
    } finally {
      leaving.abort();
    }
  }

  /** Whether it is answered with a stream: 200, as the API describes it. Nothing of it is read. */
  async begins(path: string, headers: Record<string, string>): Promise<boolean> {
    const leaving = new AbortController();
    const answer = await fetch(`${this.installation.url}${path}`, { headers, signal: leaving.signal });
    leaving.abort();
    this.api.checkHead('GET', path, answer);
    return answer.status === 200;
  }

  /** @param gateway the one to ask, where there are several. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, gateway = 'api-gateway'): Promise<Answer> {
    const init = {
      headers: { authorization: `Bearer ${this.installation.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    const { status, text, headers: answered } = await this.sent(method, path, init, gateway);
    return { status, body: text ? JSON.parse(text) : null, headers: answered };
  }

  /** GET that must answer 200. */
  async get(path: string): Promise<Doc> {
    const answer = await this.call('GET', path);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** POST that must be accepted. */
  async post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Doc> {
    const answer = await this.call('POST', path, body, headers);
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A sleeping service; `over` overrides any field. */
  createService(over: Record<string, unknown> = {}): Promise<Doc> {
    return this.post('/v1/docker-services', this.serviceBody(over));
  }

  serviceBody(over: Record<string, unknown> = {}): Record<string, unknown> {
    return { environment_id: this.environmentId, image: IMAGE, pull_policy: 'never', command: SLEEP, resources: { cpu_millis: 20, memory_bytes: 16 << 20 }, deploy: QUICK, ...over };
  }

  service(id: string): Promise<Doc> {
    return this.get(`/v1/docker-services/${id}`);
  }

  /** Polls the service until `test` holds. @throws Error with the last document. */
  async serviceWhen(id: string, what: string, test: (service: Doc) => boolean, deadlineMs = 60_000): Promise<Doc> {
    let last: Doc = null;
    await this.eventually(
      what,
      async () => test((last = await this.service(id))),
      deadlineMs,
      () => JSON.stringify(last),
    );
    return last;
  }

  running(id: string, replicas: number, deadlineMs = 60_000): Promise<Doc> {
    return this.serviceWhen(id, `${replicas} replicas run`, (s) => (replicas === 0 ? s.status === null : s.status === 'RUNNING') && s.replicas.running === replicas, deadlineMs);
  }

  /** The engine's own word: containers of an owner, running or not. */
  async containers(ownerId?: string, engine = this.engine): Promise<{ id: string; name: string; state: string }[]> {
    const filter = ownerId ? ['--filter', `label=waybill.owner_id=${ownerId}`] : [];
    const lines = (await this.docker(['ps', '--all', '--no-trunc', ...filter, '--format', '{{.ID}} {{.Names}} {{.State}}'], engine)).split('\n').filter(Boolean);
    return lines.map((line) => {
      const [id = '', name = '', state = ''] = line.split(' ');
      return { id, name, state };
    });
  }

  /** What the apps have complained of so far: the latest lines of each log that are no mere information. */
  async trouble(): Promise<string> {
    const folder = join(this.home, 'logs');
    const logs = await Promise.all((await readdir(folder)).map(async (file) => ({ file, lines: (await readFile(join(folder, file), 'utf8')).split('\n').filter((line) => TROUBLE.test(line)) })));
    return logs.flatMap(({ file, lines }) => lines.slice(-20).map((line) => `${file}: ${line}\n`)).join('');
  }

  async docker(args: readonly string[], engine = this.engine): Promise<string> {
    return (await engine.docker(...args)).trim();
  }

  async inspect(container: string): Promise<Doc> {
    return JSON.parse(await this.docker(['inspect', container]))[0];
  }

  /** Polls until it holds. @throws Error that says what never did. */
  async eventually(what: string, test: () => Promise<boolean>, deadlineMs = 30_000, detail: () => string = () => ''): Promise<void> {
    const end = Date.now() + deadlineMs;
    let trouble = '';
    for (;;) {
      try {
        if (await test()) return;
        trouble = '';
      } catch (error) {
        trouble = String(error);
      }
      if (Date.now() > end) throw new Error(`never within ${deadlineMs} ms: ${what} ${detail()} ${trouble}`);
      await pause(50);
    }
  }
}
