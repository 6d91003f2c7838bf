import { seededRandom, VirtualClock } from '#testing';
import { followByPolling } from './follow.ts';
import { followLog } from './follow-log.ts';
import { Unavailable, type EventStore, type Followed, type Position, type Recorded } from './port.ts';

/** A log of numbered events that fails when told to, and a wake that can be rung. */
function fakeLog(count: number) {
  const clock = new VirtualClock();
  const log = Array.from({ length: count }, (_, index) => recorded(index));
  const state = { broken: false, reads: 0, callbacks: new Set<() => void>() };
  const readAll: EventStore['readAll'] = async (after, { limit }) => {
    state.reads += 1;
    if (state.broken) throw new Unavailable('no disk');
    const from = after === null ? 0 : Number(after);
    const events = log.slice(from, from + limit);
    return { events, next: events.at(-1)?.position ?? after };
  };
  const wake = (callback: () => void): (() => void) => {
    state.callbacks.add(callback);
    return () => state.callbacks.delete(callback);
  };
  const follow: EventStore['follow'] = (after, prefixes, signal) =>
    followByPolling({ readAll, wake, pollMs: 500, clock, random: seededRandom(1) }, after, prefixes, signal);
  const grow = (): void => void log.push(recorded(log.length));
  const ring = (): void => state.callbacks.forEach((callback) => callback());
  return { clock, state, follow, grow, ring };
}

const positionOf = (index: number): Position => String(index + 1).padStart(5, '0');
const recorded = (index: number): Recorded => ({
  id: `e${index}`,
  type: 'Counted',
  data: {},
  stream: 'job-a',
  revision: BigInt(index),
  position: positionOf(index),
  metadata: {
    commandId: 'c',
    tenantId: 'platform',
    actor: { type: 'system', id: 'spec' },
    originId: null,
    correlationId: 'c',
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
});

const short = (followed: Followed): string =>
  'event' in followed ? followed.event.id : 'caughtUp' in followed ? `caught up ${Number(followed.caughtUp)}` : `degraded ${followed.degraded.message}`;

/** Follows in the background; what is heard goes to `heard`. */
function listen(follow: EventStore['follow'], after: Position | null = null) {
  const abort = new AbortController();
  const heard: string[] = [];
  const ended = (async () => {
    for await (const followed of follow(after, undefined, abort.signal)) heard.push(short(followed));
  })();
  return { abort, heard, ended };
}

describe('following by polling', () => {
  it('looks again every 500 ms, and says only once that it caught up', async () => {
    const { clock, follow, grow, state } = fakeLog(1);
    const { heard, abort, ended } = listen(follow);
    await clock.advance(2_400);
    expect(heard).toEqual(['e0', 'caught up 1']);
    grow();
    await clock.advance(99);
    expect(heard).toHaveLength(2);
    await clock.advance(1);
    expect(heard).toEqual(['e0', 'caught up 1', 'e1', 'caught up 2']);
    abort.abort();
    await ended;
    expect([clock.pending, state.callbacks.size]).toEqual([0, 0]);
  });

  it('looks at once when woken, and misses no wake that comes while it reads', async () => {
    const { clock, follow, grow, ring, state } = fakeLog(0);
    const { heard, abort } = listen(follow);
    await clock.settle();
    grow();
    ring();
    await clock.settle();
    expect(heard).toEqual(['caught up 0', 'e0', 'caught up 1']);
    const readsBefore = state.reads;
    ring();
    ring();
    await clock.settle();
    expect(state.reads).toBeGreaterThan(readsBefore);
    abort.abort();
  });

  it('tells of trouble each time that it tries, ever more seldom, and goes on after the last event that it gave', async () => {
    const { clock, follow, grow, state } = fakeLog(2);
    const { heard, abort } = listen(follow);
    await clock.settle();
    state.broken = true;
    grow();
    await clock.advance(10_000);
    const troubles = heard.filter((it) => it === 'degraded no disk').length;
    expect(troubles).toBeGreaterThan(4);
    expect(troubles).toBeLessThan(12);
    state.broken = false;
    await clock.advance(5_000);
    expect(heard.filter((it) => it !== 'degraded no disk')).toEqual(['e0', 'e1', 'caught up 2', 'e2', 'caught up 3']);
    abort.abort();
  });

  it('says that it caught up again after trouble, though nothing is new', async () => {
    const { clock, follow, state } = fakeLog(1);
    const { heard, abort } = listen(follow);
    await clock.settle();
    state.broken = true;
    await clock.advance(500);
    state.broken = false;
    await clock.advance(1_000);
    expect(heard).toEqual(['e0', 'caught up 1', 'degraded no disk', 'caught up 1']);
    abort.abort();
  });

  it('takes its wake back when the reader leaves', async () => {
    const { follow, state } = fakeLog(3);
    for await (const _ of follow(null, undefined, new AbortController().signal)) break;
    expect(state.callbacks.size).toBe(0);
  });
});

describe('following the log with handlers', () => {
  /** Handlers that note what they are called with; `failures` says how often each event is refused first. */
  function handling(failures: Record<string, number> = {}) {
    const log = fakeLog(3);
    const abort = new AbortController();
    const calls: string[] = [];
    const ended = followLog({
      store: log,
      after: null,
      signal: abort.signal,
      clock: log.clock,
      onEvent: async ({ id }) => {
        calls.push(id);
        await log.clock.sleep(10);
        const left = failures[id] ?? 0;
        failures[id] = left - 1;
        if (left > 0) throw new Error(`no ${id}`);
        calls.push(`${id} done`);
      },
      onCaughtUp: (position) => void calls.push(`caught up ${Number(position)}`),
      onDegraded: (error) => void calls.push(error.message),
    });
    return { ...log, abort, calls, ended };
  }

  it('hands out one event after the other', async () => {
    const { clock, calls, abort, ended } = handling();
    await clock.advance(1_000);
    expect(calls).toEqual(['e0', 'e0 done', 'e1', 'e1 done', 'e2', 'e2 done', 'caught up 3']);
    abort.abort();
    await ended;
  });

  it('hands out an event again until it is taken, and none after it before', async () => {
    const { clock, calls, abort } = handling({ e1: 2 });
    await clock.advance(1_000);
    expect(calls).toEqual(['e0', 'e0 done', 'e1', 'no e1', 'e1', 'no e1', 'e1', 'e1 done', 'e2', 'e2 done', 'caught up 3']);
    abort.abort();
  });

  it('tells of a log that cannot be read, and goes on', async () => {
    const { clock, calls, abort, state, grow } = handling();
    await clock.advance(100);
    state.broken = true;
    await clock.advance(500);
    state.broken = false;
    grow();
    await clock.advance(1_000);
    expect(calls.slice(7)).toEqual([expect.stringContaining('no disk'), 'e3', 'e3 done', 'caught up 4']);
    abort.abort();
  });

  it('follows anew, after the last event that was taken, when the subscription breaks', async () => {
    const { clock, follow } = fakeLog(4);
    const abort = new AbortController();
    const taken: string[] = [];
    const begun: (Position | null)[] = [];
    async function* fragile(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncGenerator<Followed> {
      begun.push(after);
      for await (const followed of follow(after, prefixes, signal)) {
        yield followed;
        if (begun.length < 3) throw new Error('connection lost');
      }
    }
    const ended = followLog({ store: { follow: fragile }, after: null, signal: abort.signal, clock, onEvent: ({ id }) => void taken.push(id) });
    await clock.advance(5_000);
    expect(taken).toEqual(['e0', 'e1', 'e2', 'e3']);
    expect(begun).toEqual([null, positionOf(0), positionOf(1)]);
    abort.abort();
    await ended;
  });

  it('ends when aborted while it waits to try a handler again', async () => {
    const { clock, calls, abort, ended } = handling({ e0: 1_000 });
    await clock.advance(60_000);
    abort.abort();
    await ended;
    expect(calls).not.toContain('e1');
    expect(clock.pending).toBe(0);
  });
});
