import { subjects, Terminal, type EventReadReply, type EventReadRequest, type LoggedEvent, type Transient } from '#contracts';
import { MemoryBroker, seededRandom, VirtualClock } from '#testing';
import { readEvents, type ReadEvents } from './read-events.ts';

const positionAt = (n: number): string => String(n).padStart(20, '0');
const eventAt = (n: number): LoggedEvent => ({ position: positionAt(n), type: 'PlanChanged' }) as LoggedEvent;

/** A gateway that answers as it is told to, a log that it reads two events at a time, and a subscriber on virtual time. */
function house() {
  const clock = new VirtualClock();
  const broker = new MemoryBroker(clock);
  const gateway = broker.bus('gateway');
  const bus = broker.bus('subscriber');
  const asked: EventReadRequest[] = [];
  const state = { length: 0, storeId: 's' };
  const page = ({ after }: EventReadRequest): EventReadReply => {
    const from = Number(after ?? 0);
    const to = Math.min(from + 2, state.length);
    return { storeId: state.storeId, events: Array.from({ length: Math.max(to - from, 0) }, (_, i) => eventAt(from + i + 1)), next: to > from ? positionAt(to) : after };
  };
  let answer: (request: EventReadRequest) => unknown = page;
  gateway.subscribe<EventReadRequest>(subjects.readEvents, (request) => {
    asked.push(request);
    return answer(request);
  });
  const troubles: Transient[] = [];
  const leaving = new AbortController();
  const read = (over: Partial<ReadEvents> = {}) =>
    readEvents(bus, { after: null, clock, random: seededRandom(1), signal: leaving.signal, onTrouble: (error) => troubles.push(error), ...over });

  /** Takes everything in, as it comes. */
  function follow(over: Partial<ReadEvents> = {}) {
    const got: number[] = [];
    const done = (async () => {
      for await (const event of read(over)) got.push(Number(event.position));
    })();
    // Looked at by some specs only.
    done.catch(() => undefined);
    return { got, done };
  }
  return {
    clock, broker, gateway, bus, asked, state, page, troubles, leaving, read, follow,
    answerWith: (next: (request: EventReadRequest) => unknown) => (answer = next),
    hint: (project = 'platform') => gateway.publish(subjects.hint(project), { position: positionAt(state.length) }),
  };
}

describe('reading events', () => {
  it('gives what is there, page after page, and goes on where it is told to', async () => {
    const { clock, state, follow, asked } = house();
    state.length = 5;
    const [all, rest] = [follow(), follow({ after: positionAt(3) })];
    await clock.settle();
    expect([all.got, rest.got]).toEqual([[1, 2, 3, 4, 5], [4, 5]]);
    // The last request of each finds the end.
    expect(asked.map(({ after }) => Number(after)).sort()).toEqual([0, 2, 3, 4, 5, 5]);
  });

  it('hears a hint at once, and without one looks again every 5 s', async () => {
    const { clock, state, follow, hint } = house();
    const { got } = follow();
    await clock.advance(1);
    state.length = 1;
    hint();
    await clock.advance(1);
    expect(got).toEqual([1]);
    state.length = 2;
    await clock.advance(4_990);
    expect(got).toEqual([1]);
    await clock.advance(10);
    expect(got).toEqual([1, 2]);
  });

  it('misses no hint that comes while it reads', async () => {
    const { clock, state, follow, hint, answerWith, page } = house();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    answerWith(async (request) => {
      const reply = page(request);
      await held;
      return reply;
    });
    const { got } = follow();
    await clock.advance(1);
    state.length = 1;
    hint();
    await clock.advance(1);
    letGo();
    await clock.advance(1);
    expect(got).toEqual([1]);
  });

  it('sleeps through hints of projects that it does not ask for', async () => {
    const { clock, follow, asked, hint } = house();
    follow({ projects: ['prj_a'] });
    await clock.advance(1);
    asked.length = 0;
    hint('prj_b');
    await clock.advance(1);
    expect(asked).toEqual([]);
    hint('prj_a');
    await clock.advance(1);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual({ after: null, offset: 0, projects: ['prj_a'] });
  });

  it('waits out gateways that fail, are silent or gone, and tells of each try', async () => {
    const { clock, state, follow, answerWith, page, troubles, asked } = house();
    state.length = 3;
    answerWith(() => {
      throw new Error('the store is away');
    });
    const { got } = follow();
    await clock.advance(4_000);
    expect(troubles.map(({ code }) => code)).toContain('bus.remote_error');
    // Doubling up to 2 s: no storm of requests.
    expect(asked.length).toBeLessThan(10);
    answerWith(() => new Promise(() => undefined));
    await clock.advance(14_000);
    expect(troubles.at(-1)!.code).toBe('bus.timeout');
    answerWith(page);
    await clock.advance(12_000);
    expect(got).toEqual([1, 2, 3]);
  });

  it('asks again as soon as a lost connection is back', async () => {
    const { clock, state, follow, bus } = house();
    const { got } = follow();
    await clock.advance(1);
    bus.disconnect();
    state.length = 2;
    await clock.advance(100);
    bus.reconnect();
    await clock.advance(1);
    expect(got).toEqual([1, 2]);
  });

  it('does not take somebody else’s word for a page', async () => {
    const { clock, state, follow, answerWith, page, troubles } = house();
    state.length = 1;
    answerWith(() => null);
    const { got } = follow();
    await clock.advance(1);
    answerWith(page);
    await clock.advance(3_000);
    expect([got, troubles.map(({ code }) => code)]).toEqual([[1], ['bus.remote_error']]);
  });

  it('puts a large event together, and reads one anew whose pieces don’t fit', async () => {
    const { clock, follow, answerWith, page, state, troubles } = house();
    state.length = 3;
    const large = JSON.stringify({ ...eventAt(2), data: { text: 'ü🚢"\\'.repeat(100) } });
    let torn = 1;
    answerWith((request) => {
      if (request.after === null) return { storeId: 's', events: [eventAt(1)], next: positionAt(1) };
      if (request.after !== positionAt(1)) return page(request);
      const piece = large.slice(request.offset, request.offset! + 7);
      return { storeId: 's', piece: torn-- > 0 ? '{'.repeat(7) : piece, of: large.length };
    });
    const { got } = follow();
    await clock.advance(3_000);
    expect([got, troubles.length]).toEqual([[1, 2, 3], 1]);
  });

  it('ends when a request can never be answered, with the gateway’s reason', async () => {
    const { clock, answerWith, follow } = house();
    answerWith(() => ({ refused: { code: 'events.request_invalid', message: 'there is no event of type X' } }));
    const { done } = follow();
    await clock.advance(1);
    const error = (await done.catch((thrown: unknown) => thrown)) as Terminal;
    expect(error).toBeInstanceOf(Terminal);
    expect(error).toMatchObject({ code: 'events.request_invalid', blame: 'user', message: 'there is no event of type X' });
  });

  it('never mixes two histories', async () => {
    const { clock, state, follow } = house();
    state.length = 2;
    const { got, done } = follow();
    await clock.advance(1);
    state.storeId = 'another';
    state.length = 4;
    await clock.advance(5_000);
    await expect(done).rejects.toMatchObject({ code: 'events.other_history', blame: 'system' });
    expect(got).toEqual([1, 2]);
  });

  it.each<[string, (h: ReturnType<typeof house>) => void]>([
    ['waits for more', () => undefined],
    ['waits for an answer', (h) => h.answerWith(() => new Promise(() => undefined))],
    ['waits after a failure', (h) => h.bus.disconnect()],
  ])('ends quietly when aborted while it %s, and leaves nothing behind', async (_what, prepare) => {
    const h = house();
    prepare(h);
    const { done } = h.follow();
    await h.clock.advance(1);
    h.leaving.abort();
    await h.clock.settle();
    await done;
    expect([...h.broker.subscriptions].map(({ subject }) => subject)).toEqual([subjects.readEvents]);
    await h.clock.advance(11_000);
    expect(h.clock.pending).toBe(0);
  });

  it('leaves nothing behind when its reader leaves', async () => {
    const { clock, state, broker, read } = house();
    state.length = 3;
    for await (const event of read()) if (event.position === positionAt(2)) break;
    expect([...broker.subscriptions].map(({ subject }) => subject)).toEqual([subjects.readEvents]);
    await clock.advance(11_000);
    expect(clock.pending).toBe(0);
  });
});
