import { setTimeout as pause } from 'node:timers/promises';
import { eventIdOf } from './event-id.ts';
import { Conflict, type EventStore, type Expected, type Followed, type NewEvent, type Position, type Recorded } from './port.ts';

/** A store to test, empty at first. */
export interface StoreUnderTest {
  readonly store: EventStore;
  /** A further handle on the same history, as another process has it. */
  readonly reopen: () => Promise<EventStore>;
  /** Closes all handles and throws the history away. */
  readonly close: () => Promise<void>;
}

/** What every adapter of `EventStore` must do, as a Jest suite. `open` is called for each test. */
export function eventStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`event store: ${name}`, () => {
    let under: StoreUnderTest;
    let store: EventStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    describe('appending', () => appending(() => store));
    describe('reading', () => reading(() => store));
    describe('following', () => following(() => store));
    describe('with several handles on one history', () => severalHandles(() => under));

    it('has an id of its own', async () => {
      const other = await open();
      try {
        expect(other.store.storeId).not.toBe(store.storeId);
      } finally {
        await other.close();
      }
    });
  });
}

function appending(store: () => EventStore): void {
  it('counts revisions from 0 and answers with the last one', async () => {
    expect((await store().append('job-a', 'no-stream', events('a', 2))).revision).toBe(1n);
    expect((await store().append('job-a', 1n, events('b', 1))).revision).toBe(2n);
  });

  const cases: [Expected, { absent: boolean; atZero: boolean }][] = [
    ['any', { absent: true, atZero: true }],
    ['no-stream', { absent: true, atZero: false }],
    ['exists', { absent: false, atZero: true }],
    [0n, { absent: false, atZero: true }],
    [1n, { absent: false, atZero: false }],
  ];
  it.each(cases)('judges expected %s by whether and where the stream is', async (expected, { absent, atZero }) => {
    await store().append('job-there', 'no-stream', events('first', 1));
    const outcome = (stream: string): Promise<boolean> =>
      store()
        .append(stream, expected, events(stream, 1))
        .then(() => true, (error) => !(error instanceof Conflict));
    expect({ absent: await outcome('job-absent'), atZero: await outcome('job-there') }).toEqual({ absent, atZero });
  });

  it('says in a conflict where the stream is, and writes nothing', async () => {
    await store().append('job-a', 'no-stream', events('a', 3));
    await expect(store().append('job-a', 1n, events('b', 1))).rejects.toMatchObject({ stream: 'job-a', expected: 1n, actual: 2n });
    await expect(store().append('job-b', 0n, events('c', 1))).rejects.toMatchObject({ stream: 'job-b', expected: 0n, actual: null });
    expect(await allOf(store())).toHaveLength(3);
  });

  it('writes all events of an append or none, and refuses to append nothing', async () => {
    await store().append('job-a', 'no-stream', events('a', 1));
    const late = Promise.allSettled([store().append('job-a', 'no-stream', events('b', 3)), store().append('job-b', 'any', [])]);
    expect((await late).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await allOf(store())).map(({ id }) => id)).toEqual([idOf('a-0')]);
  });

  it('gives back what was written, as it was written', async () => {
    const written = { ...event('a'), data: { text: 'ümläut \u0000 🚢 "quoted"', nested: { list: [1, null, false, 2.5] } } };
    const { position } = await store().append('docker_service-svc_a', 'no-stream', [written]);
    expect(await streamOf(store(), 'docker_service-svc_a')).toEqual([{ ...written, stream: 'docker_service-svc_a', revision: 0n, position }]);
  });

  it('gives the bytes of what was written, too', async () => {
    const written = { ...event('a'), data: { text: 'ümläut "quoted"', list: [1, null, 2.5] } };
    const { position } = await store().append('docker_service-svc_a', 'no-stream', [written]);
    await store().append('job-a', 'any', [event('b')]);
    const { events: raw, next } = await store().readRaw(null, { prefixes: ['docker_service-'], limit: 10 });
    const texts = raw.map(({ data, metadata, ...rest }) => ({ ...rest, data: Buffer.from(data).toString(), metadata: Buffer.from(metadata).toString() }));
    expect(texts).toEqual([{ id: written.id, type: written.type, stream: 'docker_service-svc_a', revision: 0n, position, data: JSON.stringify(written.data), metadata: JSON.stringify(written.metadata) }]);
    expect(await store().readRaw(next, { prefixes: ['docker_service-'], limit: 10 })).toEqual({ events: [], next });
  });

  it('answers a repeated append as before, once newer events stand too, and writes it once', async () => {
    const [first, second] = [events('a', 2), events('b', 2)];
    const answers = [await store().append('job-a', 'no-stream', first), await store().append('job-a', 1n, second)];
    await store().append('job-a', 3n, events('c', 1));
    // They stood before: nothing is said of who wrote them.
    const again = answers.map(({ revision, position }) => ({ revision, position }));
    expect([await store().append('job-a', 'no-stream', first), await store().append('job-a', 1n, second)]).toEqual(again);
    expect(await streamOf(store(), 'job-a')).toHaveLength(5);
  });

  it('says where each event stands, or nothing, and nothing to all but one of many that append the same at once', async () => {
    const tries = Array.from({ length: 5 }, () => store().append('job-a', 'no-stream', events('a', 3)));
    const told = (await Promise.all(tries)).flatMap(({ written }) => (written ? [written] : []));
    expect(told.length).toBeLessThanOrEqual(1);
    const positions = (await streamOf(store(), 'job-a')).map(({ position }) => position);
    for (const written of told) expect(written).toEqual(positions);
  });

  it('lets exactly one of many appends at once win each revision', async () => {
    const wins: string[] = [];
    for (const revision of ['no-stream', 0n, 1n] as const) {
      const tries = Array.from({ length: 20 }, (_, index) => store().append('job-a', revision, events(`${revision}-${index}`, 1)));
      const outcomes = await Promise.allSettled(tries);
      for (const lost of outcomes.filter((it) => it.status === 'rejected')) expect(lost.reason).toBeInstanceOf(Conflict);
      wins.push(...outcomes.flatMap((it, index) => (it.status === 'fulfilled' ? [`${revision}-${index}`] : [])));
    }
    expect(wins).toHaveLength(3);
    expect((await streamOf(store(), 'job-a')).map(({ id }) => id)).toEqual(wins.map((win) => idOf(`${win}-0`)));
  });

  it('takes appends to many streams at once, each in its own order', async () => {
    const streams = Array.from({ length: 40 }, (_, index) => `job-${index}`);
    const answers = await Promise.all(
      streams.map(async (stream) => {
        const first = await store().append(stream, 'no-stream', events(`${stream}-x`, 2));
        return [first, await store().append(stream, first.revision, events(`${stream}-y`, 3))];
      }),
    );
    expect(new Set(answers.flat().map(({ position }) => position)).size).toBe(80);
    for (const stream of streams) {
      const found = await streamOf(store(), stream);
      expect(found.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
      expect(found.map(({ position }) => position)).toEqual(found.map(({ position }) => position).sort());
    }
  });
}

function reading(store: () => EventStore): void {
  it('reads nothing of a stream that does not exist', async () => {
    expect(await streamOf(store(), 'job-none')).toEqual([]);
  });

  it('reads a stream from a revision on, up to a limit, over many pages', async () => {
    await store().append('job-a', 'no-stream', events('a', 1_200));
    const revisions = async (options?: { from?: bigint; limit?: number }): Promise<number[]> =>
      (await streamOf(store(), 'job-a', options)).map(({ revision }) => Number(revision));
    expect(await revisions()).toEqual(numbers(0, 1_200));
    expect(await revisions({ from: 1_190n })).toEqual(numbers(1_190, 1_200));
    expect(await revisions({ from: 100n, limit: 700 })).toEqual(numbers(100, 800));
    expect(await revisions({ limit: 0 })).toEqual([]);
    expect(await revisions({ from: 5_000n })).toEqual([]);
  });

  it('keeps streams apart whose names begin alike', async () => {
    await store().append('job-a', 'no-stream', events('a', 1));
    await store().append('job-ab', 'no-stream', events('ab', 2));
    expect(await streamOf(store(), 'job-a')).toHaveLength(1);
    expect(await streamOf(store(), 'job-ab')).toHaveLength(2);
  });

  it('has no end yet where the log is empty', async () => {
    expect(await store().readAll(null, { limit: 10 })).toEqual({ events: [], next: null });
    expect(await store().readAll(null, { prefixes: ['job-'], limit: 10 })).toEqual({ events: [], next: null });
  });

  it('pages through the log in the order of positions, and stays at its end', async () => {
    for (let index = 0; index < 25; index += 1) await store().append(`job-${index % 3}`, 'any', events(`e${index}`, 1));
    const pages = await pagesOf(store(), { limit: 10 });
    expect(pages.flat().map(({ id }) => id)).toEqual(numbers(0, 25).map((index) => idOf(`e${index}-0`)));
    expect(Math.max(...pages.map((page) => page.length))).toBe(10);
    const end = pages.flat().at(-1)!.position;
    expect(await store().readAll(end, { limit: 10 })).toEqual({ events: [], next: end });
  });

  it('pages through what begins with any of some prefixes, each event once, and past what does not', async () => {
    const streams = ['job-a', 'replica-a', 'node-a', 'replica-b', 'job-b', 'replica_set-a', 'network-a', 'network_pool-a'];
    for (let round = 0; round < 10; round += 1) for (const stream of streams) await store().append(stream, 'any', events(`${stream}-${round}`, 1));
    const found = async (...prefixes: string[]): Promise<string[]> => {
      const read = (await pagesOf(store(), { prefixes, limit: 7 })).flat();
      expect(read.map(({ position }) => position)).toEqual([...new Set(read.map(({ position }) => position))].sort());
      return [...new Set(read.map(({ stream }) => stream)), String(read.length)];
    };
    expect(await found('replica-')).toEqual(['replica-a', 'replica-b', '20']);
    expect(await found('network-', 'job-')).toEqual(['job-a', 'job-b', 'network-a', '30']);
    expect(await found('replica-b')).toEqual(['replica-b', '10']);
    expect(await found('replica')).toEqual(['replica-a', 'replica-b', 'replica_set-a', '30']);
    expect(await found('replica-b', 'replica-', 'replica-')).toEqual(['replica-a', 'replica-b', '20']);
    expect(await found('job-b', 'node-')).toEqual(['node-a', 'job-b', '20']);
    expect(await found('volume-')).toEqual(['0']);
  });

  it('gives the way on for a page without events', async () => {
    const { position } = await store().append('job-a', 'no-stream', events('a', 3));
    const end = await endOf(store(), ['volume-']);
    expect(end >= position).toBe(true);
    await store().append('volume-a', 'no-stream', events('v', 1));
    const { events: found } = await store().readAll(end, { prefixes: ['volume-'], limit: 10 });
    expect(found.map(({ id }) => id)).toEqual([idOf('v-0')]);
  });
}

function following(store: () => EventStore): void {
  it('gives all there is, says that it caught up once, and goes on live', async () => {
    await store().append('job-a', 'no-stream', events('a', 3));
    await using follower = new Follower(store(), null);
    await follower.until(() => follower.caughtUp.length === 1);
    expect(follower.ids).toEqual(['a-0', 'a-1', 'a-2'].map(idOf));
    const { position } = await store().append('job-a', 2n, events('b', 2));
    await follower.until(() => follower.caughtUp.length === 2);
    expect(follower.ids).toEqual(['a-0', 'a-1', 'a-2', 'b-0', 'b-1'].map(idOf));
    expect(follower.caughtUp.at(-1)).toBe(position);
  });

  it('says at once that it caught up with an empty log', async () => {
    await using follower = new Follower(store(), null);
    await follower.until(() => follower.caughtUp.length === 1);
    expect(follower.caughtUp).toEqual([null]);
    await store().append('job-a', 'no-stream', events('a', 1));
    await follower.until(() => follower.ids.length === 1);
  });

  it('begins after a position in the middle', async () => {
    const { position } = await store().append('job-a', 'no-stream', events('a', 2));
    await store().append('job-b', 'no-stream', events('b', 2));
    await using follower = new Follower(store(), position);
    await follower.until(() => follower.caughtUp.length === 1);
    expect(follower.ids).toEqual(['b-0', 'b-1'].map(idOf));
  });

  it('gives only what begins with the prefixes, and catches up past the rest', async () => {
    await store().append('job-a', 'no-stream', events('a', 2));
    const { position } = await store().append('node-a', 'no-stream', events('n', 1));
    await using follower = new Follower(store(), null, ['job-']);
    await follower.until(() => follower.caughtUp.some((it) => it !== null && it >= position));
    await store().append('node-a', 0n, events('m', 1));
    await store().append('job-a', 1n, events('b', 1));
    await follower.until(() => follower.ids.length === 3);
    expect(follower.ids).toEqual(['a-0', 'a-1', 'b-0'].map(idOf));
  });

  it('ends quietly when aborted, while it waits and in the middle of a page', async () => {
    await store().append('job-a', 'no-stream', events('a', 10));
    const waiting = new Follower(store(), null);
    await waiting.until(() => waiting.caughtUp.length === 1);
    await waiting.stop();

    const abort = new AbortController();
    const seen: Followed[] = [];
    for await (const followed of store().follow(null, undefined, abort.signal)) {
      seen.push(followed);
      if (seen.length === 4) abort.abort();
    }
    expect(seen).toHaveLength(4);
    for await (const _ of store().follow(null, undefined, abort.signal)) throw new Error('an aborted subscription begins nothing');
  });

  it('gives 10,000 events in order, without gap or double, while more are written', async () => {
    for (let batch = 0; batch < 20; batch += 1) await store().append(`job-${batch % 7}`, 'any', events(`old${batch}`, 400));
    await using follower = new Follower(store(), null);
    for (let batch = 0; batch < 20; batch += 1) await store().append(`job-${batch % 7}`, 'any', events(`new${batch}`, 100));
    await follower.until(() => follower.ids.length >= 10_000);
    const old = numbers(0, 20).flatMap((batch) => numbers(0, 400).map((index) => idOf(`old${batch}-${index}`)));
    const recent = numbers(0, 20).flatMap((batch) => numbers(0, 100).map((index) => idOf(`new${batch}-${index}`)));
    expect(follower.ids).toEqual([...old, ...recent]);
  }, 60_000);
}

function severalHandles(under: () => StoreUnderTest): void {
  const another = (): Promise<EventStore> => under().reopen();

  it('keeps everything, and the id of the store, for the next handle', async () => {
    const { store } = under();
    await store.append('job-a', 'no-stream', events('a', 3));
    const before = await allOf(store);
    await store.close();
    const next = await another();
    expect(next.storeId).toBe(store.storeId);
    expect(await allOf(next)).toEqual(before);
    expect((await next.append('job-a', 2n, events('b', 1))).revision).toBe(3n);
  });

  it('tells followers of events that another handle wrote', async () => {
    const { store } = under();
    const other = await another();
    await using follower = new Follower(store, null);
    await follower.until(() => follower.caughtUp.length === 1);
    await other.append('job-a', 'no-stream', events('a', 2));
    await follower.until(() => follower.ids.length === 2);
    expect(follower.ids).toEqual(['a-0', 'a-1'].map(idOf));
  });

  it('lets one of several handles win each revision', async () => {
    const { store } = under();
    const other = await another();
    const appends = numbers(0, 20).map((index) => (index % 2 ? store : other).append('job-a', 'no-stream', events(`e${index}`, 1)));
    const outcomes = await Promise.allSettled(appends);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await streamOf(other, 'job-a')).toEqual(await streamOf(store, 'job-a'));
  });
}

/** Follows in the background and keeps what it hears. */
class Follower {
  readonly ids: string[] = [];
  readonly caughtUp: (Position | null)[] = [];
  private readonly abort = new AbortController();
  private readonly ended: Promise<void>;

  constructor(store: EventStore, after: Position | null, prefixes?: readonly string[]) {
    this.ended = this.run(store.follow(after, prefixes, this.abort.signal));
  }

  /** @throws Error when it isn't so within 10 s. */
  async until(condition: () => boolean): Promise<void> {
    for (let left = 1_000; !condition(); left -= 1) {
      if (left === 0) throw new Error(`heard ${this.ids.length} events, caught up ${this.caughtUp.length} times`);
      await pause(10);
    }
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async run(subscription: AsyncIterable<Followed>): Promise<void> {
    for await (const followed of subscription) {
      if ('event' in followed) this.ids.push(followed.event.id);
      else if ('caughtUp' in followed) this.caughtUp.push(followed.caughtUp);
      else throw followed.degraded;
    }
  }
}

const idOf = (name: string): string => eventIdOf(name, 'contract', 0);

const event = (name: string): NewEvent => ({
  id: idOf(name),
  type: 'Counted',
  data: { name },
  metadata: {
    commandId: name,
    tenantId: 'platform',
    actor: { type: 'system', id: 'contract' },
    originId: null,
    correlationId: name,
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
});

const events = (name: string, count: number): NewEvent[] => numbers(0, count).map((index) => event(`${name}-${index}`));
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

async function streamOf(store: EventStore, stream: string, options?: { from?: bigint; limit?: number }): Promise<Recorded[]> {
  const found: Recorded[] = [];
  for await (const event of store.readStream(stream, options)) found.push(event);
  return found;
}

/** The log's end is where `next` doesn't move any more; a page before it may be empty. */
async function pagesOf(store: EventStore, options: { prefixes?: readonly string[]; limit: number }): Promise<Recorded[][]> {
  const pages: Recorded[][] = [];
  for (let after: Position | null = null; ; ) {
    const { events: page, next } = await store.readAll(after, options);
    if (next === after) return pages;
    pages.push(page);
    after = next;
  }
}

const allOf = async (store: EventStore): Promise<Recorded[]> => (await pagesOf(store, { limit: 100 })).flat();

async function endOf(store: EventStore, prefixes: readonly string[]): Promise<Position> {
  let after: Position | null = null;
  for (;;) {
    const { next }: { next: Position | null } = await store.readAll(after, { prefixes, limit: 100 });
    if (next === after && next !== null) return next;
    after = next;
  }
}
