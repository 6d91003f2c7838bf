import fc from 'fast-check';
import { Rejection, type CommandMetadata, type Decider } from '#domain';
import { MemoryEventStore, seededRandom, VirtualClock, type AppendFault } from '#testing';
import { AggregateStore } from './handle-command.ts';
import { PreconditionFailed, type Handled, type HandleOptions } from './handled.ts';
import { Conflict, OutcomeUnknown, type EventStore, type Position, type Recorded } from './port.ts';

/** A till takes coins, as many as it holds, and gives back nothing. */
type Till = readonly number[];
type TillCommand = { type: 'PutCoins'; data: { coins: readonly number[] } };
type TillEvent = { type: 'CoinPut'; data: { coin: number; sum: number } };
const ROOM = 8;
const till: Decider<Till, TillCommand, TillEvent> = {
  initial: [],
  evolve: (coins, { data }) => [...coins, data.coin],
  decide(coins, { data }) {
    const news = data.coins.filter((coin) => !coins.includes(coin));
    if (coins.length + news.length > ROOM) throw new Rejection('conflict', 'till.full', 'empty it');
    return news.map((coin, index) => ({ type: 'CoinPut', data: { coin, sum: sumOf([...coins, ...news.slice(0, index + 1)]) } }));
  },
};
const sumOf = (coins: readonly number[]): number => coins.reduce((sum, coin) => sum + coin, 0);

const STREAM = 'plan-till';
const metadata = (commandId: string, tenantId: 'prj_a' | 'prj_b' = 'prj_a'): CommandMetadata => ({
  ...{ commandId, tenantId, actor: { type: 'user', id: 'ann' }, originId: null, now: 0, correlationId: 'request', causationId: null },
});

function house(wrapped: (log: MemoryEventStore) => EventStore = (log) => log) {
  const clock = new VirtualClock();
  const log = new MemoryEventStore();
  const hints: [string, Position][] = [];
  const process = (): AggregateStore =>
    new AggregateStore({ store: wrapped(log), clock, random: seededRandom(1), upcast: (event) => event, schemaOf: () => 1, onAppended: (...hint) => void hints.push(hint) });
  async function settled<T>(all: readonly Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
    let done = false;
    const outcomes = Promise.allSettled(all).finally(() => (done = true));
    await clock.advanceUntil(() => done, 120_000, 10);
    return outcomes;
  }
  const put = (on: AggregateStore, commandId: string, coins: readonly number[], options?: HandleOptions): Promise<Handled<Till>> =>
    on.handle(till, STREAM, { type: 'PutCoins', data: { coins } }, metadata(commandId), options);
  return { clock, log, hints, process, put, settled };
}

/** Never says whether it wrote an append itself, as a server may not. */
const secretive = (log: MemoryEventStore): EventStore => ({
  storeId: log.storeId,
  append: async (...append) => ({ ...(await log.append(...append)), written: undefined }),
  readStream: (...read) => log.readStream(...read),
  readAll: (...read) => log.readAll(...read),
  readRaw: (...read) => log.readRaw(...read),
  follow: (...follow) => log.follow(...follow),
  close: () => log.close(),
});

describe('commands that wait for one stream', () => {
  it('share an append, each with its own events, its own answer and one hint for each tenant', async () => {
    const { log, hints, process } = house();
    const appends: number[] = [];
    const append = log.append.bind(log);
    log.append = (stream, expected, events) => (appends.push(events.length), append(stream, expected, events));
    const aggregates = process();
    const give = (commandId: string, coins: number[], tenant: 'prj_a' | 'prj_b') => aggregates.handle(till, STREAM, { type: 'PutCoins', data: { coins } }, metadata(commandId, tenant));
    const handled = await Promise.all([give('c1', [1, 2], 'prj_a'), give('c2', [2], 'prj_a'), give('c3', [3], 'prj_b'), give('c4', [1, 4], 'prj_a')]);
    expect(appends).toEqual([4]);
    expect(handled.map(({ revision }) => revision)).toEqual([1n, 3n, 2n, 3n]);
    expect(handled.map(({ state }) => state)).toEqual([[1, 2], [1, 2, 3, 4], [1, 2, 3], [1, 2, 3, 4]]);
    expect(handled.map(({ events }) => events)).toEqual([log.log.slice(0, 2), [], [log.log[2]], [log.log[3]]]);
    expect(handled.map(({ position }) => position)).toEqual([1, 3, 2, 3].map((at) => log.log[at]!.position));
    expect(hints).toEqual([['prj_a', log.log[3]!.position], ['prj_b', log.log[3]!.position]]);
  });

  it('read nothing before or after an append at the revision that they know', async () => {
    const { log, process, put } = house();
    const aggregates = process();
    await put(aggregates, 'c1', [1]);
    log.readStream = () => {
      throw new Error('nothing has to be read');
    };
    expect(await put(aggregates, 'c2', [2])).toMatchObject({ state: [1, 2], revision: 1n, repeated: false });
    expect(await put(aggregates, 'c3', [3], { expected: 1n })).toMatchObject({ state: [1, 2, 3] });
  });

  it('are judged by If-Match and fence as if one had come after the other', async () => {
    const { process, put, settled } = house();
    const aggregates = process();
    await put(aggregates, 'c0', [1]);
    const outcomes = await settled([
      put(aggregates, 'c1', [2], { ifMatch: 0n }),
      put(aggregates, 'c2', [3], { ifMatch: 0n }),
      put(aggregates, 'c3', [4], { expected: 0n }),
      put(aggregates, 'c4', [5], { expected: 1n }),
    ]);
    expect(outcomes.map((it) => (it.status === 'fulfilled' ? it.value.revision : it.reason))).toEqual([1n, new PreconditionFailed(STREAM, 0n, 1n), new Conflict(STREAM, 0n, 1n), 2n]);
  });

  it('are told nothing that a twin of theirs in the same row makes untrue', async () => {
    const { log, process, settled } = house();
    const aggregates = process();
    // As a switch: what was nothing to do is something again after the one between.
    const toggle: Decider<boolean, { type: 'Turn'; data: { on: boolean } }, { type: 'Turned'; data: { on: boolean } }> = {
      initial: true,
      evolve: (_, { data }) => data.on,
      decide: (isOn, { data }) => (isOn === data.on ? [] : [{ type: 'Turned', data }]),
    };
    const turn = (commandId: string, on: boolean) => aggregates.handle(toggle, STREAM, { type: 'Turn', data: { on } }, metadata(commandId));
    await turn('c0', false);
    await turn('c1', true);
    const stood = (): number => log.log.filter((event) => event.metadata.commandId === 'c2').length;
    const told = (given: Promise<Handled<boolean>>) => given.then(({ events }) => [events.length, stood()]);
    const outcomes = await settled([told(turn('c2', true)), told(turn('c3', false)), told(turn('c2', true))]);
    expect(outcomes.map((it) => (it as PromiseFulfilledResult<number[]>).value)).toEqual([[0, 0], [1, 0], [1, 1]]);
  });

  it('keep one that is out of time beside them while it may be on its way with them', async () => {
    const { log, process, put, settled } = house();
    const aggregates = process();
    const late: (() => unknown)[] = [];
    const append = log.append.bind(log);
    log.append = (...given) => {
      log.append = append;
      late.push(() => append(...given));
      return Promise.reject(new OutcomeUnknown('it is still on its way'));
    };
    const outcomes = settled([put(aggregates, 'c1', [1, 2], { deadlineMs: 1 }), put(aggregates, 'c2', [2])]);
    expect((await outcomes).map((it) => (it.status === 'fulfilled' ? it.value.events : (it.reason as { code: string }).code))).toEqual(['event_store.busy', []]);
    await Promise.allSettled(late.map((arrive) => arrive()));
    expect((await aggregates.load(till, STREAM)).state).toEqual([1, 2]);
  });

  it('are not kept from their append by one that no store can write', async () => {
    const { log, process, put, settled } = house();
    const aggregates = process();
    const broken: typeof till = { ...till, decide: (coins, command) => till.decide(coins, command).map((event) => (event.data.coin === 13 ? { ...event, data: { ...event.data, sum: 1n as never } } : event)) };
    const give = (commandId: string, coin: number) => aggregates.handle(broken, STREAM, { type: 'PutCoins', data: { coins: [coin] } }, metadata(commandId));
    const outcomes = await settled([give('c1', 1), give('c2', 13), give('c3', 3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await aggregates.load(till, STREAM)).state).toEqual([1, 3]);
    expect(log.log).toHaveLength(2);
    expect(await put(aggregates, 'c4', [4])).toMatchObject({ state: [1, 3, 4] });
  });

  it('do not take what another process wrote for the same command for their own', async () => {
    const { log, process, put, settled } = house();
    const [one, two] = [process(), process()];
    await put(one, 'c0', [1]);
    await two.load(till, STREAM);
    // The same id, decided to something else: whoever comes second is told what stands.
    const outcomes = await settled([put(one, 'c1', [2]), put(two, 'c1', [3])]);
    expect(outcomes.map((it) => (it as PromiseFulfilledResult<Handled<Till>>).value.events)).toEqual([[log.log[1]], [log.log[1]]]);
    for (const process of [one, two]) expect((await process.load(till, STREAM)).state).toEqual([1, 2]);
  });

  interface Step {
    readonly by: 0 | 1;
    readonly name: number;
    readonly coins: readonly number[];
    readonly ifMatch?: bigint;
    readonly expected?: bigint | null;
  }
  const revision = fc.bigInt({ min: 0n, max: 8n });
  const step = fc.record<Step>(
    { by: fc.constantFrom(0, 1), name: fc.nat(12), coins: fc.uniqueArray(fc.nat(12), { minLength: 0, maxLength: 3 }), ifMatch: revision, expected: fc.option(revision, { nil: null }) },
    { requiredKeys: ['by', 'name', 'coins'] },
  );
  const faults = fc.array(fc.constantFrom<AppendFault>('unavailable', 'answer_lost', 'request_lost'), { maxLength: 6 });

  it.each([['a store that says what it wrote', undefined], ['one that does not', secretive]] as const)('leave a history as if each had come alone, in %s', async (_, wrapped) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 5 }), faults, async (rounds, trouble) => {
        const { log, process, put, settled } = house(wrapped);
        const processes = [process(), process()] as const;
        log.failAppends(...trouble);
        for (const round of rounds) {
          const outcomes = await settled(round.map(({ by, name, coins, ...options }) => put(processes[by], `c${name}`, coins, options)));
          const givenOnce = ({ name }: Step): boolean => rounds.flat().filter((other) => other.name === name).length === 1;
          outcomes.forEach((outcome, index) => judge(outcome, round[index]!, log.log, givenOnce(round[index]!)));
        }
        expect(eachOnceAndTogether(log.log)).toBe(true);
        expect(log.log.map(({ data }) => (data as TillEvent['data']).sum)).toEqual(sumsOf(log.log));
        for (const each of [...processes, process()]) expect((await each.load(till, STREAM)).state).toEqual(coinsOf(log.log));
      }),
      { numRuns: 150 },
    );
  });

  function judge(outcome: PromiseSettledResult<Handled<Till>>, { name, ifMatch, expected }: Step, log: readonly Recorded[], givenOnce: boolean): void {
    const own = log.filter((event) => event.metadata.commandId === `c${name}`);
    if (outcome.status === 'rejected') {
      const isRefusal = [Rejection, PreconditionFailed, Conflict].some((kind) => outcome.reason instanceof kind);
      expect(isRefusal || /caused nothing/.test(String(outcome.reason))).toBe(true);
      return;
    }
    const { events, state, revision: at } = outcome.value;
    if (events.length > 0) expect(events).toEqual(own);
    expect(state).toEqual(coinsOf(log.slice(0, Number(at) + 1)));
    // One that was given before, or by the other process too, is answered from the stream, whatever its terms.
    if (events.length === 0 || !givenOnce) return;
    const before = events[0]!.revision === 0n ? null : events[0]!.revision - 1n;
    for (const wanted of [ifMatch, expected]) if (wanted !== undefined) expect(before).toBe(wanted);
  }
});

const coinsOf = (log: readonly Recorded[]): number[] => log.map(({ data }) => (data as TillEvent['data']).coin);
const sumsOf = (log: readonly Recorded[]): number[] => coinsOf(log).map((_, index, coins) => sumOf(coins.slice(0, index + 1)));
/** No coin twice, and the events of a command next to each other. */
function eachOnceAndTogether(log: readonly Recorded[]): boolean {
  const coins = coinsOf(log);
  const runs = log.filter((event, index) => event.metadata.commandId !== log[index - 1]?.metadata.commandId);
  return new Set(coins).size === coins.length && new Set(runs.map(({ metadata: { commandId } }) => commandId)).size === runs.length;
}
