import { setTimeout as pause } from 'node:timers/promises';
import type { Bus } from '#contracts';

/** A broker to test: `open` gives a connected bus of its own to each caller. */
export interface BrokerUnderTest {
  readonly open: () => Promise<Bus>;
  /** Takes the broker away, and brings it back at the same address. */
  readonly lose: () => Promise<void>;
  readonly recover: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every `Bus` must do, as a Jest suite. `start` is called for each test. */
export function busContract(name: string, start: () => Promise<BrokerUnderTest>): void {
  describe(`bus: ${name}`, () => {
    let broker: BrokerUnderTest;
    let asking: Bus;
    let answering: Bus;
    beforeEach(async () => {
      broker = await start();
      [asking, answering] = [await broker.open(), await broker.open()];
    });
    afterEach(() => broker.close());

    describe('requests', () => requests(() => ({ asking, answering })));
    describe('messages', () => messages(() => ({ asking, answering })));
    describe('a lost broker', () => losing(() => ({ broker, asking, answering })));
  });
}

type Ends = () => { asking: Bus; answering: Bus };

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

  it('passes a failing handler on, and goes on serving', async () => {
    const { asking, answering } = ends();
    answering.subscribe<{ fail: boolean }>('t.moody', ({ fail }) => {
      if (fail) throw new Error('the disk is full');
      return 'fine';
    });
    await flushed(answering);
    await expect(asking.request('t.moody', { fail: true }, 2_000)).rejects.toMatchObject({ code: 'bus.remote_error', message: expect.stringContaining('the disk is full') });
    expect(await asking.request('t.moody', { fail: false }, 2_000)).toBe('fine');
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

function messages(ends: Ends): void {
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

function losing(ends: () => { broker: BrokerUnderTest; asking: Bus; answering: Bus }): void {
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
}

/** Whatever this bus asked of its broker so far is in force. */
async function flushed(bus: Bus): Promise<void> {
  await bus.request('t.flush.nobody', {}, 2_000).catch(() => undefined);
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 1_000; !condition(); left -= 1) {
    if (left === 0) throw new Error('not so within 10 s');
    await pause(10);
  }
}
