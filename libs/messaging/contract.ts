import { setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { AssignmentSet, Bus, SetChunk } from '#contracts';
import { chunkSet, SetAssembler } from './set-chunks.ts';

type OpenBus = Bus & { close(): Promise<void> };

/** A broker to test: `open` gives a connected bus of its own to each caller, which `close` ends where the caller didn't. */
export interface BrokerUnderTest {
  readonly open: () => Promise<OpenBus>;
  /** Takes the broker away, and brings it back at the same address. */
  readonly lose: () => Promise<void>;
  readonly recover: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every `Bus` must do, as a Jest suite. `start` is called for each test. */
export function busContract(name: string, start: () => Promise<BrokerUnderTest>): void {
  // More than `until` waits: a test that ends before its own wait would keep Jest from ending.
  jest.setTimeout(30_000);
  describe(`bus: ${name}`, () => {
    let broker: BrokerUnderTest | null = null;
    let asking: OpenBus;
    let answering: OpenBus;
    beforeEach(async () => {
      broker = await start();
      [asking, answering] = [await broker.open(), await broker.open()];
    });
    afterEach(async () => {
      await broker?.close();
      broker = null;
    });

    const ends: Ends = () => ({ broker: broker!, asking, answering });
    describe('requests', () => requests(ends));
    describe('queue groups', () => queueGroups(ends));
    describe('large payloads', () => largePayloads(ends));
    describe('messages', () => messages(ends));
    describe('a lost broker', () => losing(ends));
    describe('a bus that was closed', () => closing(ends));
  });
}

type Ends = () => { broker: BrokerUnderTest; asking: OpenBus; answering: OpenBus };

function requests(ends: Ends): void {
  it('carries a payload there and the answer back', async () => {
    const { asking, answering } = ends();
    answering.subscribe<{ n: number }>('t.double.*', async ({ n }, subject) => ({ doubled: n * 2, subject }));
    await flushed(answering);
    expect(await asking.request('t.double.x', { n: 21 }, 2_000)).toEqual({ doubled: 42, subject: 't.double.x' });
  });

  it('says so at once when nobody is there', async () => {
    const { asking } = ends();
    await expect(asking.request('t.nobody', {}, 5_000)).rejects.toMatchObject({ code: 'bus.no_responder' });
  });

  it('gives up a silent answerer after the time given', async () => {
    const { asking, answering } = ends();
    answering.subscribe('t.silent', () => new Promise(() => undefined));
    await flushed(answering);
    await expect(asking.request('t.silent', {}, 100)).rejects.toMatchObject({ code: 'bus.timeout' });
  });

  it.each<[string, () => unknown]>([
    ['throws', () => raise(new Error('the disk is full'))],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
    ['throws what is no error', () => raise('the disk is full')],
  ])('passes it on when a handler %s, and goes on serving', async (_how, fail) => {
    const { asking, answering } = ends();
    answering.subscribe<string>('t.moody', (mood) => (mood === 'bad' ? fail() : 'fine'));
    await flushed(answering);
    await expect(asking.request('t.moody', 'bad', 2_000)).rejects.toMatchObject({ code: 'bus.remote_error', message: expect.stringContaining('the disk is full') });
    expect(await asking.request('t.moody', 'good', 2_000)).toBe('fine');
  });

  it('lets a slow handler hold up no other request', async () => {
    const { asking, answering } = ends();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    answering.subscribe<string>('t.held', async (which) => {
      if (which === 'slow') await held;
      return which;
    });
    await flushed(answering);
    const slow = asking.request('t.held', 'slow', 5_000);
    expect(await asking.request('t.held', 'quick', 5_000)).toBe('quick');
    letGo();
    expect(await slow).toBe('slow');
  });

  it('answers null for a handler that returns nothing', async () => {
    const { asking, answering } = ends();
    answering.subscribe('t.quiet', () => undefined);
    await flushed(answering);
    expect(await asking.request('t.quiet', undefined, 2_000)).toBeNull();
  });

  it('carries 1,000 requests at once, each to its own answer', async () => {
    const { asking, answering } = ends();
    answering.subscribe<{ n: number }>('t.echo', ({ n }) => n);
    await flushed(answering);
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    expect(await Promise.all(numbers.map((n) => asking.request('t.echo', { n }, 10_000)))).toEqual(numbers);
  });
}

function queueGroups(ends: Ends): void {
  it('lets one member answer each request, and each of them some', async () => {
    const { broker, asking, answering } = ends();
    const other = await broker.open();
    const served: string[] = [];
    for (const [who, bus] of [['one', answering], ['other', other]] as const) {
      bus.subscribe('t.shared', () => void served.push(who), { queue: 'workers' });
      await flushed(bus);
    }
    for (let n = 0; n < 100; n += 1) await asking.request('t.shared', n, 2_000);
    expect(served).toHaveLength(100);
    expect(new Set(served)).toEqual(new Set(['one', 'other']));
  });

  it('goes on with those that are left', async () => {
    const { broker, asking, answering } = ends();
    const leaving = await broker.open();
    for (const [who, bus] of [['staying', answering], ['leaving', leaving]] as const) {
      bus.subscribe('t.shared', () => who, { queue: 'workers' });
      await flushed(bus);
    }
    leaving.subscribe('t.leaving', () => 'still here');
    await flushed(leaving);
    await leaving.close();
    await nobodyAnswers(asking, 't.leaving');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => asking.request('t.shared', n, 2_000)));
    expect(new Set(answers)).toEqual(new Set(['staying']));
  });
}

/** Below the 1 MiB that the server takes, with room for an envelope. */
const LARGE = 'x'.repeat(1024 * 1024 - 1024);
const TOO_LARGE = 'x'.repeat(1024 * 1024 + 1);

function largePayloads(ends: Ends): void {
  it('carries nearly a mebibyte each way', async () => {
    const { asking, answering } = ends();
    answering.subscribe<string>('t.large', (payload) => payload);
    await flushed(answering);
    expect((await asking.request<string>('t.large', LARGE, 5_000)) === LARGE).toBe(true);
  });

  it('refuses more, on the way there and on the way back, and lives on', async () => {
    const { asking, answering } = ends();
    const heard: unknown[] = [];
    answering.subscribe('t.large', (payload) => void heard.push(payload));
    answering.subscribe('t.talkative', () => TOO_LARGE);
    await flushed(answering);
    await expect(asking.request('t.large', TOO_LARGE, 2_000)).rejects.toThrow(RangeError);
    expect(() => asking.publish('t.large', TOO_LARGE)).toThrow(RangeError);
    await expect(asking.request('t.talkative', {}, 2_000)).rejects.toMatchObject({ code: 'bus.remote_error' });
    expect(await asking.request('t.large', 'small', 2_000)).toBeNull();
    expect(heard).toEqual(['small']);
    expect([asking.connected, answering.connected]).toEqual([true, true]);
  });

  it('carries a set of several mebibytes in chunks', async () => {
    const { asking, answering } = ends();
    const set: AssignmentSet = { storeId: 's', nodeId: 'node_a', head: { revision: '7', eventId: '"ü🚢\u0001'.repeat(500_000) }, base: null, adoption: null, entries: [] };
    const chunks = chunkSet(set);
    const assembler = new SetAssembler();
    let whole: AssignmentSet | null = null;
    answering.subscribe<SetChunk>('t.set', (chunk) => {
      whole = assembler.take(chunk) ?? whole;
      return whole !== null;
    });
    await flushed(answering);
    const taken = [];
    for (const chunk of chunks) taken.push(await asking.request('t.set', chunk, 5_000));
    expect(taken).toEqual(chunks.map((_, index) => index === chunks.length - 1));
    expect(chunks.length).toBeGreaterThan(4);
    expect(JSON.stringify(whole) === JSON.stringify(set)).toBe(true);
  });
}

function messages(ends: Ends): void {
  it('goes by tokens: `*` stands for one, a last `>` for one or more', async () => {
    const { asking, answering } = ends();
    const heard: string[] = [];
    for (const pattern of ['v.*', 'v.*.b', 'v.>', 'v.a']) answering.subscribe(pattern, (_, subject) => void heard.push(`${pattern} ${subject}`));
    await flushed(answering);
    for (const subject of ['v.a', 'v.a.b', 'w.a']) asking.publish(subject, null);
    await until(() => heard.length === 5);
    expect(heard.sort()).toEqual(['v.* v.a', 'v.*.b v.a.b', 'v.> v.a', 'v.> v.a.b', 'v.a v.a']);
  });

  it('goes on when a handler fails', async () => {
    const { asking, answering } = ends();
    const heard: unknown[] = [];
    answering.subscribe<number>('t.news', (n) => {
      heard.push(n);
      if (n === 1) throw new Error('not this one');
      if (n === 2) return Promise.reject(new Error('nor this one'));
    });
    await flushed(answering);
    for (const n of [1, 2, 3]) asking.publish('t.news', n);
    await until(() => heard.length === 3);
    expect(heard).toEqual([1, 2, 3]);
  });

  it('gives a message to every plain subscription and to one of each queue group', async () => {
    const { asking, answering } = ends();
    const heard: string[] = [];
    for (const [who, queue] of [['plain 1'], ['plain 2'], ['red', 'red'], ['red', 'red'], ['blue', 'blue']] as const) {
      answering.subscribe('t.news', () => void heard.push(who), queue ? { queue } : {});
    }
    await flushed(answering);
    for (let n = 0; n < 10; n += 1) asking.publish('t.news', { n });
    await until(() => heard.length === 40);
    const counts = Object.groupBy(heard, (who) => who);
    expect(Object.fromEntries(Object.entries(counts).map(([who, all]) => [who, all?.length]))).toEqual({ 'plain 1': 10, 'plain 2': 10, red: 10, blue: 10 });
  });

  it('gives a publisher’s messages in their order', async () => {
    const { asking, answering } = ends();
    const heard: number[] = [];
    answering.subscribe<number>('t.order', (n) => void heard.push(n));
    await flushed(answering);
    const sent = Array.from({ length: 500 }, (_, n) => n);
    for (const n of sent) asking.publish('t.order', n);
    await until(() => heard.length === 500);
    expect(heard).toEqual(sent);
  });

  it('says nothing more to a subscription that was ended', async () => {
    const { asking, answering } = ends();
    const heard: unknown[] = [];
    const end = answering.subscribe('t.ended', (payload) => void heard.push(payload));
    await flushed(answering);
    end();
    await flushed(answering);
    asking.publish('t.ended', 1);
    await flushed(asking);
    await expect(asking.request('t.ended', 2, 1_000)).rejects.toMatchObject({ code: 'bus.no_responder' });
    expect(heard).toEqual([]);
  });
}

function losing(ends: Ends): void {
  it('calls back soon where it is connected already, and again at each reconnect', async () => {
    const { broker, asking } = ends();
    let calls = 0;
    const end = asking.onConnect(() => (calls += 1));
    await until(() => calls === 1);
    await broker.lose();
    await until(() => !asking.connected);
    expect(calls).toBe(1);
    await broker.recover();
    await until(() => calls === 2);
    expect(asking.connected).toBe(true);
    end();
  });

  it('fails what is under way and what is asked meanwhile, drops messages, and serves again by itself', async () => {
    const { broker, asking, answering } = ends();
    const heard: unknown[] = [];
    answering.subscribe('t.heard', (payload) => void heard.push(payload));
    answering.subscribe('t.slow', () => new Promise(() => undefined));
    await flushed(answering);
    const underWay = asking.request('t.slow', {}, 60_000).catch((error: unknown) => error);
    await flushed(asking);
    await broker.lose();
    expect(await underWay).toMatchObject({ code: 'bus.disconnected' });
    await until(() => !asking.connected && !answering.connected);
    await expect(asking.request('t.heard', 1, 5_000)).rejects.toMatchObject({ code: 'bus.disconnected' });
    asking.publish('t.heard', 2);
    await broker.recover();
    await until(() => asking.connected && answering.connected);
    expect(await asking.request('t.heard', 3, 5_000)).toBeNull();
    expect(heard).toEqual([3]);
  });

  it('finds subscriptions in force when told of a connection, also those made or ended meanwhile, time and again', async () => {
    const { broker, asking, answering } = ends();
    const told = { asking: 0, answering: 0 };
    asking.onConnect(() => (told.asking += 1));
    answering.onConnect(() => (told.answering += 1));
    await until(() => told.asking + told.answering === 2);
    answering.subscribe('t.before', () => 'before', { queue: 'workers' });
    const end = answering.subscribe('t.ended', () => 'ended');
    await flushed(answering);
    for (const round of [1, 2, 3]) {
      await broker.lose();
      await until(() => !asking.connected && !answering.connected);
      answering.subscribe(`t.meanwhile.${round}`, () => round);
      end();
      await broker.recover();
      await until(() => told.asking === round + 1 && told.answering === round + 1);
      expect(await asking.request('t.before', {}, 2_000)).toBe('before');
      for (let made = 1; made <= round; made += 1) expect(await asking.request(`t.meanwhile.${made}`, {}, 2_000)).toBe(made);
      await expect(asking.request('t.ended', {}, 2_000)).rejects.toMatchObject({ code: 'bus.no_responder' });
    }
  });

  it('calls nobody back who has ended that', async () => {
    const { broker, asking } = ends();
    const called: string[] = [];
    const end = asking.onConnect(() => called.push('ended'));
    asking.onConnect(() => called.push('other'));
    asking.onConnect(() => called.push('at once ended'))();
    await until(() => called.length === 2);
    end();
    await broker.lose();
    await until(() => !asking.connected);
    await broker.recover();
    await until(() => called.length === 3);
    expect(called).toEqual(['ended', 'other', 'other']);
  });
}

function closing(ends: Ends): void {
  it('fails what is under way, sends and hears nothing more, and stays closed', async () => {
    const { broker, asking, answering } = ends();
    const heard: unknown[] = [];
    let calls = 0;
    asking.subscribe('t.mine', (payload) => void heard.push(payload));
    answering.subscribe('t.slow', () => new Promise(() => undefined));
    answering.subscribe('t.theirs', (payload) => void heard.push(payload));
    await flushed(asking);
    await flushed(answering);
    const underWay = asking.request('t.slow', {}, 60_000).catch((error: unknown) => error);
    await flushed(asking);
    await asking.close();
    await asking.close();
    expect(await underWay).toMatchObject({ code: 'bus.disconnected' });
    expect(asking.connected).toBe(false);
    await expect(asking.request('t.theirs', 1, 1_000)).rejects.toMatchObject({ code: 'bus.disconnected' });
    asking.publish('t.theirs', 2);
    asking.subscribe('t.late', () => 'late')();
    asking.onConnect(() => (calls += 1));
    for (const subject of ['t.mine', 't.late']) await nobodyAnswers(answering, subject);
    await broker.lose();
    await broker.recover();
    await until(() => answering.connected);
    await flushed(answering);
    expect({ heard, calls, connected: asking.connected }).toEqual({ heard: [], calls: 0, connected: false });
  });

  it('needs no broker to be closed', async () => {
    const { broker, asking } = ends();
    await broker.lose();
    await asking.close();
    expect(asking.connected).toBe(false);
  });
}

function raise(what: unknown): never {
  throw what;
}

/** Whatever this bus asked of its broker so far is in force. */
async function flushed(bus: Bus): Promise<void> {
  await bus.request('t.flush.nobody', {}, 2_000).catch(() => undefined);
}

/** A broker may be told a moment later that a connection was closed: until then it passes on what nobody takes. */
async function nobodyAnswers(bus: Bus, subject: string): Promise<void> {
  for (let left = 20; ; left -= 1) {
    const outcome = await bus.request(subject, 3, 500).then(() => 'answered', (error: { code?: unknown }) => error.code);
    if (outcome !== 'bus.timeout' || left === 0) return expect(outcome).toBe('bus.no_responder');
    await pause(10);
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 1_000; !condition(); left -= 1) {
    if (left === 0) throw new Error('not so within 10 s');
    await pause(10);
  }
}
