import { once } from 'node:events';
import { createConnection } from 'node:net';
import { connectNats, openNats, type ClosableBus } from '#messaging';
import { systemClock } from '#platform';
import { MemoryLogger, startNats, type TestBroker } from '#testing';
import { busContract } from '../../libs/messaging/contract.ts';

const connection = (url: string) => ({ url, name: 'contract', logger: new MemoryLogger(), clock: systemClock });

busContract('NATS', async () => {
  const server = await startNats();
  const buses: ClosableBus[] = [];
  return {
    open: async () => {
      const bus = await connectNats(connection(server.url));
      buses.push(bus);
      return bus;
    },
    lose: () => server.kill(),
    recover: () => server.restart(),
    close: async () => {
      for (const bus of buses) await bus.close();
      await server.stop();
    },
  };
});

describe('NATS', () => {
  let server: TestBroker | null = null;
  const buses: ClosableBus[] = [];
  beforeEach(async () => {
    server = await startNats();
  });
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close();
    await server?.stop();
    server = null;
  });

  const open = (logger = new MemoryLogger()): ClosableBus => {
    const bus = openNats({ ...connection(server!.url), logger });
    buses.push(bus);
    return bus;
  };
  const connected = (bus: ClosableBus): Promise<void> => new Promise((resolve) => bus.onConnect(resolve));

  it('that comes up late is waited for, and finds the subscriptions that were made before', async () => {
    await server!.kill();
    const early = open();
    expect(early.connected).toBe(false);
    await expect(early.request('t.early', {}, 1_000)).rejects.toMatchObject({ code: 'bus.disconnected' });
    early.publish('t.early', 'dropped');
    const heard: unknown[] = [];
    early.subscribe('t.early', (payload) => heard.push(payload));
    const waiting = connectNats(connection(server!.url)).then((bus) => void buses.push(bus));
    await server!.restart();
    await Promise.all([connected(early), waiting]);
    const [, late] = buses as [ClosableBus, ClosableBus];
    expect(await late.request('t.early', 'asked', 2_000)).toBe(1);
    expect(heard).toEqual(['asked']);
  });

  it('that never comes holds up nobody who stops waiting', async () => {
    await server!.kill();
    const bus = open();
    await bus.close();
    expect(bus.connected).toBe(false);
  });

  it('that is frozen is noticed, and found again when it is thawed', async () => {
    const bus = open();
    await connected(bus);
    bus.subscribe('t.here', () => 'here');
    process.kill(server!.pid, 'SIGSTOP');
    const underWay = bus.request('t.here', {}, 60_000).catch((error: unknown) => error);
    expect(await underWay).toMatchObject({ code: 'bus.disconnected' });
    expect(bus.connected).toBe(false);
    const again = connected(bus);
    process.kill(server!.pid, 'SIGCONT');
    await again;
    expect(await bus.request('t.here', {}, 2_000)).toBe('here');
  }, 40_000);

  it('tells everybody of a connection, though one of them fails at it', async () => {
    const logger = new MemoryLogger();
    const bus = open(logger);
    const fail = (): never => {
      throw new Error('not today');
    };
    bus.onConnect(fail);
    await connected(bus);
    bus.onConnect(fail);
    await connected(bus);
    expect(logger.messages('error')).toEqual(['a callback on connect failed', 'a callback on connect failed']);
  });

  it('that carries something else than JSON does no harm', async () => {
    const logger = new MemoryLogger();
    const bus = open(logger);
    await connected(bus);
    bus.subscribe('t.json', (payload) => payload);
    await bus.request('t.flush', {}, 1_000).catch(() => undefined);
    await publishRaw(server!.url, 't.json', '{"half');
    expect(await bus.request('t.json', 'whole', 2_000)).toBe('whole');
    expect(logger.messages('error')).toEqual(['bus handler failed']);
  });
});

/** As somebody else’s client would; resolves when the server has it. */
async function publishRaw(url: string, subject: string, text: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = createConnection(Number(port), hostname);
  try {
    socket.write(`CONNECT {"verbose":false}\r\nPUB ${subject} ${Buffer.byteLength(text)}\r\n${text}\r\nPING\r\n`);
    for (let answer = ''; !answer.includes('PONG'); ) answer += String((await once(socket, 'data'))[0]);
  } finally {
    socket.destroy();
  }
}
