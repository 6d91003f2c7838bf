import { Writable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { VirtualClock } from '#testing';
import { streamEvents, type ServerEvent } from './sse.ts';

/** A socket that takes a write only when it is told to. */
class Socket extends Writable {
  readonly taken: string[] = [];
  #next: (() => void) | null = null;
  headers: object = {};

  constructor() {
    super({ highWaterMark: 100, decodeStrings: false });
  }
  writeHead(_status: number, headers: object): void {
    this.headers = headers;
  }
  setHeader(): void {}
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.taken.push(chunk);
    this.#next = done;
  }
  /** Reads until nothing more comes. */
  async read(): Promise<void> {
    for (let next = this.#next; next; next = this.#next) {
      this.#next = null;
      next();
      await new Promise(setImmediate);
    }
  }
}

const replyOver = (raw: Socket, stillStands: (() => Promise<boolean>) | null = null) => ({ raw, request: { stillStands }, getHeaders: () => ({}), hijack: () => undefined }) as unknown as FastifyReply;

describe('an event stream', () => {
  const numbered = (given: number[], until = Infinity) =>
    async function* (signal: AbortSignal): AsyncGenerator<ServerEvent> {
      for (let id = 0; id < until && !signal.aborted; id += 1) {
        given.push(id);
        yield { id: String(id), event: 'Counted', data: { text: 'x'.repeat(40) } };
      }
    };
  const parts = () => ({ clock: new VirtualClock(), stopping: new AbortController(), broken: [] as unknown[] });

  const run = (raw: Socket, source: (signal: AbortSignal) => AsyncIterable<ServerEvent>, { clock, stopping, broken }: ReturnType<typeof parts>) =>
    streamEvents(replyOver(raw), source, { clock, stopping: stopping.signal, onBroken: (error) => broken.push(error) });

  it('takes no more from its source than the client reads', async () => {
    const [raw, given, with_] = [new Socket(), [] as number[], parts()];
    const running = run(raw, numbered(given), with_);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = given.length;
    expect(before).toBeLessThan(5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(given.length).toBe(before);
    raw.destroy();
    await running;
    expect(with_.broken).toEqual([]);
  });

  it('writes id, type and data of each, and ends with its source', async () => {
    const [raw, with_] = [new Socket(), parts()];
    const running = run(raw, numbered([], 3), with_);
    while (!raw.writableFinished) {
      await raw.read();
      await new Promise(setImmediate);
    }
    await running;
    expect(raw.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
    expect(raw.taken).toEqual([': connected\n\n', ...[0, 1, 2].map((id) => `id: ${id}\nevent: Counted\ndata: {"text":"${'x'.repeat(40)}"}\n\n`)]);
  });

  it('ends soon after its reader may read it no more, and goes on while that can’t be asked', async () => {
    const [raw, { clock, stopping }] = [new Socket(), parts()];
    let stands: () => Promise<boolean> = async () => true;
    const source = async function* (signal: AbortSignal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    };
    const running = streamEvents(replyOver(raw, () => stands()), source, { clock, stopping: stopping.signal, onBroken: () => undefined });
    await clock.advance(11_000);
    stands = () => Promise.reject(new Error('the store is away'));
    await clock.advance(11_000);
    expect(raw.writableEnded).toBe(false);
    stands = async () => false;
    await clock.advance(5_000);
    await running;
    expect(raw.writableEnded).toBe(true);
  });

  it('ends when the process does, and tells of trouble that is nobody’s wish', async () => {
    const [raw, with_] = [new Socket(), parts()];
    const waiting = run(raw, async function* (signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    }, with_);
    with_.stopping.abort();
    await waiting;
    expect(raw.writableEnded).toBe(true);

    const failing = parts();
    await run(new Socket(), async function* () { throw new Error('the log went away'); }, failing);
    expect(failing.broken).toEqual([new Error('the log went away')]);
  });
});
