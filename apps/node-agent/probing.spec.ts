import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { EngineError } from '#docker';
import type { Probe } from '#domain';
import { systemClock } from '#platform';
import { freePort } from '#testing';
import { DirectProbing } from './probing.ts';

const servers: { server: Server; sockets: Set<Socket> }[] = [];
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  servers.push({ server, sockets });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
const http = (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> => listen(createHttp(answer));
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

const here = { containerId: 'c1', address: '127.0.0.1' };
const probing = new DirectProbing({ runtime: { exec: () => Promise.reject(new Error('no command is asked for')) }, clock: systemClock });
const ask = (probe: Probe, { target = here as { containerId: string; address: string | null }, timeoutMs = 2_000 } = {}) => probing.ask(probe, target, { timeoutMs, signal: new AbortController().signal });
const get = (port: number, path = '/'): Probe => ({ type: 'http', path, port });

describe('an http probe', () => {
  it.each([[200, true], [204, true], [302, true], [399, true], [400, false], [404, false], [500, false], [503, false]])('takes %i for well: %s', async (status, isWell) => {
    const port = await http((_, response) => response.writeHead(status, { location: '/elsewhere' }).end());
    expect(await ask(get(port, '/health?deep=1'))).toEqual(isWell ? { isWell } : { isWell, detail: `GET /health?deep=1 on port ${port} answered ${status}` });
  });

  it('follows no redirect', async () => {
    const asked: string[] = [];
    const port = await http(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(301, { location: `http://127.0.0.1:${(response.socket!.address() as AddressInfo).port}/private` }).end();
    });
    expect(await ask(get(port))).toEqual({ isWell: true });
    expect(asked).toEqual(['/']);
  });

  it('reads no body, however much there is of it, and leaves no connection behind', async () => {
    let isOver = false;
    const port = await http((_, response) => {
      response.writeHead(200);
      const pour = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536), pour);
      };
      response.on('close', () => (isOver = true));
      pour();
    });
    expect(await ask(get(port))).toEqual({ isWell: true });
    for (const until = performance.now() + 5_000; !isOver && performance.now() < until; ) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isOver).toBe(true);
  });

  it('gives up after its time, said nothing or headed slowly', async () => {
    const silent = await listen(createServer());
    const drips = await listen(createServer((socket) => socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\nx-slow: ')));
    expect(await Promise.all([silent, drips].map((port) => ask(get(port), { timeoutMs: 200 })))).toEqual(Array(2).fill({ isWell: false, detail: 'no answer within 0.2 s' }));
  });

  it('says what is wrong with what is no http', async () => {
    const port = await listen(createServer((socket) => socket.on('error', () => undefined).end('hello\r\n\r\n')));
    expect(await ask(get(port))).toEqual({ isWell: false, detail: expect.stringMatching(/^GET \/ on port \d+: Parse Error/) });
  });
});

describe('a tcp probe', () => {
  it('is answered by whoever takes the connection', async () => expect(await ask({ type: 'tcp', port: await listen(createServer()) })).toEqual({ isWell: true }));

  it('isn’t where nobody does', async () => {
    const port = await freePort();
    expect(await ask({ type: 'tcp', port })).toEqual({ isWell: false, detail: expect.stringContaining('ECONNREFUSED') });
  });
});

it('knows nothing of a replica without an address', async () => expect(await ask({ type: 'tcp', port: 1 }, { target: { ...here, address: null } })).toBeNull());

describe('a command probe', () => {
  const running = (exec: () => Promise<number>) => new DirectProbing({ runtime: { exec }, clock: systemClock });
  const run = (by: DirectProbing) => by.ask({ type: 'command', command: ['check'] }, here, { timeoutMs: 100, signal: new AbortController().signal });

  it('goes by the exit code', async () => {
    expect(await run(running(async () => 0))).toEqual({ isWell: true });
    expect(await run(running(async () => 3))).toEqual({ isWell: false, detail: 'the command ended with exit code 3' });
  });

  it('is no answer where the container or the engine is away', async () => {
    for (const code of ['not_found', 'engine_unreachable', 'engine_failed'] as const) expect(await run(running(() => Promise.reject(new EngineError(code, true, 'away'))))).toBeNull();
  });

  it('begins none beside one that still runs, and asks again once that has ended', async () => {
    const runs: PromiseWithResolvers<number>[] = [];
    const by = running(() => {
      runs.push(Promise.withResolvers<number>());
      return runs.at(-1)!.promise;
    });
    expect(await run(by)).toEqual({ isWell: false, detail: 'no answer within 0.1 s' });
    expect(await run(by)).toEqual({ isWell: false, detail: 'the command of an earlier probe still runs' });
    expect(runs).toHaveLength(1);
    runs[0]!.resolve(0);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const again = run(by);
    runs[1]!.resolve(0);
    expect(await again).toEqual({ isWell: true });
  });
});
