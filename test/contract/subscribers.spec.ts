import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedEvent } from '#contracts';
import { hintingOn, openSqliteEventStore, wokenByHints, type EventStore } from '#event-store';
import { connectNats, openNats, readEvents, type ClosableBus, type ReadEvents } from '#messaging';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger, newEvents, startNats, type TestBroker } from '#testing';
import { answerEventReads } from '../../apps/api-gateway/subscribers/answer-reads.ts';

/** Subscribers on a real broker, and gateways that answer them from a real log; each is a process of its own but for the process. */
describe('subscribers, on NATS and SQLite', () => {
  let broker: TestBroker;
  let folder: string;
  const ends: (() => Promise<unknown> | void)[] = [];
  beforeEach(async () => {
    broker = await startNats();
    folder = await mkdtemp(join(tmpdir(), 'waybill-subscribers-'));
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  const openBus = async (name: string): Promise<ClosableBus> => {
    const bus = await connectNats({ url: broker.url, name, logger: new MemoryLogger(), clock: systemClock });
    ends.push(() => bus.close());
    return bus;
  };

  /** What a gateway and its part of the log are, until `end`. */
  async function startGateway(): Promise<{ store: EventStore; bus: ClosableBus; end: () => Promise<void> }> {
    const bus = await openBus('api-gateway');
    const store = await openSqliteEventStore({ file: join(folder, 'events.db'), clock: systemClock, random: systemRandom, logger: new MemoryLogger(), wake: wokenByHints(bus) });
    const endReads = answerEventReads(bus, store);
    const end = async (): Promise<void> => {
      endReads();
      await store.close();
      await bus.close();
    };
    ends.push(end);
    return { store, bus, end };
  }

  let appended = 0;
  /** One event each, in turn to ten streams; hinted at as an app does. */
  async function append(to: { store: EventStore; bus: ClosableBus }, count: number, padding = ''): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      appended += 1;
      const stream = `plan-${appended % 10}`;
      const { position } = await to.store.append(stream, 'any', newEvents(stream, [{ type: 'PlanChanged', data: { n: appended, padding } }], { commandId: `c${appended}` }));
      hintingOn(to.bus)('prj_a', position);
    }
  }

  async function everyPosition(store: EventStore, after: string | null = null): Promise<string[]> {
    const positions: string[] = [];
    for (let at = after; ; ) {
      const { events, next } = await store.readAll(at, { limit: 1_000 });
      if (next === at) return positions;
      positions.push(...events.map(({ position }) => position));
      at = next;
    }
  }

  const reading = (bus: ClosableBus, over: Partial<ReadEvents>) => readEvents(bus, { after: null, clock: systemClock, random: systemRandom, ...over });

  /** Takes events in until `count` are there, then leaves. */
  async function take(bus: ClosableBus, count: number, over: Partial<ReadEvents> = {}): Promise<LoggedEvent[]> {
    const got: LoggedEvent[] = [];
    for await (const event of reading(bus, over)) if (got.push(event) === count) break;
    return got;
  }
  const positions = (events: readonly LoggedEvent[]): string[] => events.map(({ position }) => position);

  it('gives to one that was stopped for 1,000 events each of them once, in order, when it is back', async () => {
    const gateway = await startGateway();
    const bus = await openBus('subscriber');
    await append(gateway, 10);
    const before = await take(bus, 10);
    const kept = before.at(-1)!.position;
    await append(gateway, 1_000);
    const after = take(bus, 1_010, { after: kept });
    // It goes over from what it missed to what happens now.
    await append(gateway, 10);
    const got = positions(await after);
    expect(got).toEqual(await everyPosition(gateway.store, kept));
    expect([got.length, new Set([...positions(before), ...got]).size]).toEqual([1_010, 1_020]);
  }, 60_000);

  it('is heard of an event at once, not at the next look', async () => {
    const gateway = await startGateway();
    const bus = await openBus('subscriber');
    const delays: number[] = [];
    const events = reading(bus, {});
    for (let n = 0; n < 20; n += 1) {
      const next = events.next();
      await systemClock.sleep(20);
      const from = performance.now();
      await append(gateway, 1);
      await next;
      delays.push(performance.now() - from);
    }
    await events.return();
    // Looked for every 5 s; a hint that went astray would show in each.
    expect(delays.sort((a, b) => a - b)[10]).toBeLessThan(1_000);
  }, 60_000);

  it('loses and doubles nothing while the broker is killed, gateways come and go, and the subscriber itself is begun anew', async () => {
    const lasting = await startGateway();
    let other = await startGateway();
    const bus = openNats({ url: broker.url, name: 'subscriber', logger: new MemoryLogger(), clock: systemClock });
    ends.push(() => bus.close());
    const got: string[] = [];
    const TOTAL = 600;
    const subscribing = (async () => {
      // It leaves every 50 events, and knows only where it was.
      while (got.length < TOTAL) {
        for await (const { position } of reading(bus, { after: got.at(-1) ?? null })) if (got.push(position) % 50 === 0) break;
      }
    })();
    for (let round = 0; round < 6; round += 1) {
      await append(lasting, 50);
      if (round % 2 === 0) await broker.kill();
      else await other.end();
      await append(lasting, 50);
      if (round % 2 === 0) await broker.restart();
      else other = await startGateway();
    }
    await subscribing;
    expect(got).toEqual(await everyPosition(lasting.store));
  }, 90_000);

  it('carries an event that is larger than any message', async () => {
    const gateway = await startGateway();
    const bus = await openBus('subscriber');
    await append(gateway, 1);
    await append(gateway, 1, '"\\ü🚢\ud800'.repeat(200_000));
    await append(gateway, 1);
    const got = await take(bus, 3, { types: ['PlanChanged'] });
    expect(got.map(({ data }) => (data as unknown as { padding: string }).padding.length)).toEqual([0, 1_200_000, 0]);
    expect((got[1]!.data as unknown as { padding: string }).padding === '"\\ü🚢\ud800'.repeat(200_000)).toBe(true);
  }, 60_000);

  it('is refused a position of another kind of log, and one past the end', async () => {
    const gateway = await startGateway();
    const bus = await openBus('subscriber');
    await append(gateway, 3);
    const [first, , third] = await everyPosition(gateway.store);
    expect(positions(await take(bus, 2, { after: first }))[1]).toBe(third);
    for (const foreign of [`${first}.${first}`, '0'.repeat(16) + '9999']) {
      await expect(take(bus, 1, { after: foreign })).rejects.toMatchObject({ code: 'events.other_history' });
    }
  });
});
