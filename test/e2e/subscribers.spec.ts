import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoggedEvent } from '#contracts';
import { openNats, readEvents, type ClosableBus } from '#messaging';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger, startNats, type TestBroker } from '#testing';
import { QUICK, World } from './world.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../docs/examples/subscriber.ts');

/** The example of the documentation, run as it stands, by nothing but its environment. */
class Example {
  readonly lines: string[] = [];
  trouble = '';
  readonly #child: ChildProcess;

  constructor(environment: NodeJS.ProcessEnv) {
    const { NODE_OPTIONS: _jests, ...inherited } = process.env;
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', EXAMPLE], { env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines);
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.trouble += text));
  }

  /** @returns its exit code; null for one that was killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'close');
      this.#child.kill(signal);
      await ended;
    }
    return this.#child.exitCode;
  }
}

describe('subscribers', () => {
  let world: World;
  let broker: TestBroker;
  let folder: string;
  let bus: ClosableBus;
  const examples: Example[] = [];
  beforeAll(async () => {
    broker = await startNats();
    folder = await mkdtemp(join(tmpdir(), 'waybill-subscriber-'));
    world = await World.start({ instances: { 'api-gateway': 2 }, env: { NATS_URL: broker.url } });
    bus = openNats({ url: broker.url, name: 'subscriber', logger: new MemoryLogger(), clock: systemClock });
  }, 120_000);
  afterAll(async () => {
    for (const example of examples) await example.end('SIGKILL');
    await bus?.close();
    await world?.stop();
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const example = (name: string, more: NodeJS.ProcessEnv = {}): Example => {
    const started = new Example({ NATS_URL: broker.url, POSITION_FILE: join(folder, name), ...more });
    examples.push(started);
    return started;
  };

  /** The log as REST streams it, up to a position. */
  async function streamed(upTo: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const event of world.stream('/v1/events')) {
      ids.push(/^id: (.+)$/m.exec(event)![1]!);
      if (ids.at(-1)! >= upTo) break;
    }
    return ids.filter((id) => id <= upTo);
  }

  /** Takes everything in until `enough`; then it is gone, and only the last position is known. */
  async function take(after: string | null, enough: (events: readonly LoggedEvent[]) => boolean): Promise<LoggedEvent[]> {
    const events: LoggedEvent[] = [];
    for await (const event of readEvents(bus, { after, clock: systemClock, random: systemRandom })) {
      events.push(event);
      if (enough(events)) break;
    }
    return events;
  }

  it('that were stopped for 1,000 events get each once, in order, though gateways and the broker die meanwhile', async () => {
    const before = await take(null, (events) => events.some(({ type }) => type === 'NodeRegistered'));
    for (let n = 0; n < 8; n += 1) await world.post('/v1/plans', { name: `plan-${n}`, resources: { cpu_millis: 50, memory_bytes: 64 << 20 } });
    const change = (n: number) => world.call('PUT', `/v1/plans/plan-${n % 8}`, { resources: { cpu_millis: 100 + n, memory_bytes: 64 << 20 } }, {}, n % 2 ? 'api-gateway' : 'api-gateway-2');
    const answers = [];
    for (let n = 0; n < 1_000; n += 8) answers.push(...(await Promise.all(Array.from({ length: 8 }, (_, i) => change(n + i)))));
    expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
    const end = (await change(10_000)).headers.get('waybill-position')!;
    const kept = before.at(-1)!.position;
    let disturbed: Promise<void> | null = null;
    const disturb = async (): Promise<void> => {
      world.installation.part('api-gateway').signal('SIGKILL');
      await broker.restart();
    };
    const after = await take(kept, (events) => {
      if (events.length === 300) disturbed = disturb();
      return events.at(-1)!.position >= end;
    });
    await disturbed!;
    await world.installation.ready('api-gateway');
    const positions = [...before, ...after].map(({ position }) => position);
    expect(positions).toEqual(await streamed(end));
    expect(after.filter(({ type }) => type === 'PlanChanged')).toHaveLength(1_001);
  }, 180_000);

  it('as the documentation has one: a line for each deployment that ended, wherever it was stopped', async () => {
    const first = example('lines');
    const one = await world.createService({ name: 'one' });
    await world.eventually('the first is told of', async () => first.lines.length === 1);
    expect(first.lines[0]).toMatch(new RegExp(`^\\S+Z ${one.deployment.deployment_id} SUCCEEDED: `));
    expect(await first.end('SIGTERM')).toBe(0);

    const missed = await Promise.all(['two', 'three'].map((name) => world.createService({ name })));
    const failing = await world.createService({ name: 'failing', command: ['/bin/false'], deploy: { ...QUICK, healthy_deadline_ms: 2_000 } });
    const ids = new Set([...missed, failing].map(({ deployment }) => deployment.deployment_id));
    for (const { docker_service_id } of [...missed, failing]) await world.serviceWhen(docker_service_id, 'its deployment has ended', ({ deployment }) => !['PENDING', 'RUNNING'].includes(deployment.status));

    const second = example('lines');
    await world.eventually('what it missed is told of', async () => second.lines.length === 3);
    await second.end('SIGKILL');
    const third = example('lines');
    const four = await world.createService({ name: 'four' });
    await world.eventually('it goes on', async () => third.lines.some((line) => line.includes(four.deployment.deployment_id)));
    expect(await third.end('SIGTERM')).toBe(0);
    expect(new Set(second.lines.map((line) => line.split(' ')[1]))).toEqual(ids);
    expect(second.lines.find((line) => line.includes(failing.deployment.deployment_id))).toContain(' FAILED: ');
    // Killed between telling and keeping, it tells of that one again, and of no other.
    expect([[], second.lines.slice(-1)]).toContainEqual(third.lines.slice(0, -1));
  }, 120_000);

  it('as the documentation has one: it posts, and comes back to what was not taken', async () => {
    const posted: { key: string | undefined; body: string }[] = [];
    let status = 500;
    const receiver: Server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        posted.push({ key: request.headers['idempotency-key'] as string | undefined, body });
        response.writeHead(status).end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const hook = { WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as { port: number }).port}/` };
    try {
      const refused = example('posts', hook);
      await world.eventually('it gives up', async () => refused.trouble.includes('answered 500'));
      await expect(readFile(join(folder, 'posts'), 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
      status = 204;
      const taken = example('posts', hook);
      await world.eventually('all are posted', async () => taken.lines.length === 5 && posted.length === 6);
      await taken.end('SIGTERM');
      expect(posted[0]).toEqual(posted[1]);
      expect(posted.slice(1).map(({ body }) => body)).toEqual(taken.lines);
      expect(await readFile(join(folder, 'posts'), 'utf8')).toBe(`${posted.at(-1)!.key}\n`);
    } finally {
      receiver.close();
    }
  }, 60_000);
});
