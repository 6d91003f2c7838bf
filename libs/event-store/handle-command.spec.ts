import fc from 'fast-check';
import { Transient } from '#contracts';
import { Rejection, type CommandMetadata, type Decider } from '#domain';
import { MemoryEventStore, seededRandom, VirtualClock } from '#testing';
import { eventIdOf } from './event-id.ts';
import { AggregateStore } from './handle-command.ts';
import { PreconditionFailed, type HandleOptions } from './handled.ts';
import { Conflict, Unavailable, type NewEvent, type Position, type Recorded } from './port.ts';

/** A shelf holds up to three books. */
type Shelf = readonly string[];
type ShelfCommand = { type: 'PutBooks'; data: { titles: readonly string[] } };
type ShelfEvent = { type: 'BookPut'; data: { title: string } };
const shelf: Decider<Shelf, ShelfCommand, ShelfEvent> = {
  initial: [],
  evolve: (books, { data }) => [...books, data.title],
  decide(books, { data }) {
    const missing = data.titles.filter((title) => !books.includes(title));
    if (books.length + missing.length > 3) throw new Rejection('conflict', 'shelf.full', 'take a book away first');
    return missing.map((title) => ({ type: 'BookPut', data: { title } }));
  },
};

const STREAM = 'plan-shelf';

const metadata = (commandId: string): CommandMetadata => ({
  commandId,
  tenantId: 'prj_a',
  actor: { type: 'user', id: 'ann' },
  originId: null,
  now: Date.UTC(2026, 0, 2),
  correlationId: 'request',
  causationId: null,
});

/** Two processes, each with its own `AggregateStore`, on one log and one virtual clock. */
function house(upcast: (event: Recorded) => Recorded = (event) => event) {
  const clock = new VirtualClock();
  const log = new MemoryEventStore();
  const hints: [string, Position][] = [];
  const process = (cached?: number) => {
    const aggregates = new AggregateStore({
      store: log,
      clock,
      random: seededRandom(1),
      upcast,
      schemaOf: () => 7,
      onAppended: (...hint) => void hints.push(hint),
      cached,
    });
    const put = (commandId: string, titles: string[], options?: HandleOptions) =>
      aggregates.handle(shelf, STREAM, { type: 'PutBooks', data: { titles } }, metadata(commandId), options);
    return { aggregates, put };
  };
  const books = (): unknown[] => log.log.map(({ data }) => (data as { title: string }).title);
  /** The outcome, with time passing while it isn't there. */
  async function outcome<T>(pending: Promise<T>): Promise<T | Error> {
    let done = false;
    const settled = pending.catch((error: Error) => error).finally(() => (done = true));
    await clock.advanceUntil(() => done, 60_000, 10);
    return settled;
  }
  return { clock, log, hints, process, books, outcome };
}

describe('handling a command', () => {
  it('appends what was decided, with the metadata of the command, and answers with what stands', async () => {
    const { process, log, hints } = house();
    const handled = await process().put('c1', ['Emma', 'Dune']);
    expect(handled).toEqual({ state: ['Emma', 'Dune'], revision: 1n, position: log.log[1]!.position, events: log.log, repeated: false });
    expect(log.log[1]).toMatchObject({
      id: eventIdOf('c1', STREAM, 1),
      stream: STREAM,
      type: 'BookPut',
      data: { title: 'Dune' },
      metadata: {
        commandId: 'c1',
        tenantId: 'prj_a',
        actor: { type: 'user', id: 'ann' },
        originId: null,
        correlationId: 'request',
        causationId: null,
        at: '2026-01-02T00:00:00.000Z',
        schema: 7,
      },
    });
    expect(log.log[1]!.metadata).not.toHaveProperty('now');
    expect(hints).toEqual([['prj_a', handled.position]]);
  });

  it('throws the rejection of the rules, and writes nothing', async () => {
    const { process, log } = house();
    await expect(process().put('c1', ['a', 'b', 'c', 'd'])).rejects.toMatchObject({ code: 'shelf.full' });
    expect(log.log).toEqual([]);
  });

  it('answers with the present revision when there is nothing to do', async () => {
    const { process, hints } = house();
    const { put } = process();
    await put('c1', ['Emma']);
    expect(await put('c2', ['Emma'])).toMatchObject({ revision: 0n, events: [], repeated: false });
    expect(hints).toHaveLength(1);
  });

  it('brings older events to the present schema before folding them, and in its answer', async () => {
    const { process, log } = house((event) => (event.metadata.schema === 7 ? event : { ...event, data: { title: (event.data as { title: string }).title.toUpperCase() } }));
    await log.append(STREAM, 'no-stream', [older('c1', 'Emma')]);
    expect(await process().put('c1', ['Emma'])).toMatchObject({ state: ['EMMA'], events: [{ data: { title: 'EMMA' } }] });
    expect(await process().put('c2', ['Dune'])).toMatchObject({ state: ['EMMA', 'Dune'], events: [{ data: { title: 'Dune' } }] });
  });

  describe('that was given before', () => {
    it('has one effect and one answer when it is given 20 times at once, in two processes', async () => {
      const { process, log, books, outcome } = house();
      const [one, two] = [process(), process()];
      const all = Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).put('c1', ['Emma', 'Dune']));
      const handled = (await outcome(Promise.all(all))) as Awaited<(typeof all)[0]>[];
      expect(books()).toEqual(['Emma', 'Dune']);
      const same = { state: ['Emma', 'Dune'], revision: 1n, position: log.log[1]!.position, events: log.log };
      for (const { repeated: _, ...answer } of handled) expect(answer).toEqual(same);
      // The store takes the same append of the other process for a repeat, so each of them may think that it was the one.
      expect(handled.filter(({ repeated }) => !repeated).length).toBeLessThanOrEqual(2);
    });

    it('is answered with its own events and what stands now, however old it is, by a process that never saw it too', async () => {
      const { process, log } = house();
      const { put } = process();
      await put('c1', ['Emma']);
      await put('c2', ['Dune']);
      const again = { state: ['Emma', 'Dune'], revision: 1n, events: [log.log[0]], repeated: true };
      expect(await put('c1', ['Emma'])).toMatchObject(again);
      expect(await process().put('c1', ['Emma'])).toMatchObject(again);
    });

    it('is answered so before If-Match, the fence and the rules are looked at', async () => {
      const { process } = house();
      const { put } = process();
      await put('c1', ['a', 'b', 'c']);
      expect(await put('c1', ['a', 'b', 'c', 'd'], { ifMatch: 77n })).toMatchObject({ repeated: true, revision: 2n });
      expect(await put('c1', ['a'], { expected: null })).toMatchObject({ repeated: true, revision: 2n });
    });

    it('is found by another stream of the same command as not given there', async () => {
      const { process } = house();
      const { aggregates, put } = process();
      await put('c1', ['Emma']);
      const other = await aggregates.handle(shelf, 'plan-other', { type: 'PutBooks', data: { titles: ['Emma'] } }, metadata('c1'));
      expect(other).toMatchObject({ repeated: false, revision: 0n });
    });
  });

  describe('with If-Match', () => {
    it('lets one of two at the same revision win, and tells the other where the stream is', async () => {
      const { process, outcome, books } = house();
      await process().put('c0', ['Emma']);
      const both = [process().put('c1', ['Dune'], { ifMatch: 0n }), process().put('c2', ['Ulysses'], { ifMatch: 0n })];
      const race = await Promise.all(both.map(outcome));
      const lost = race.filter((it) => it instanceof Error);
      expect(lost).toEqual([expect.any(PreconditionFailed)]);
      expect(lost[0]).toMatchObject({ stream: STREAM, expected: 0n, actual: 1n });
      expect(books()).toHaveLength(2);
    });

    it('refuses a stream that does not exist', async () => {
      await expect(house().process().put('c1', ['Emma'], { ifMatch: 0n })).rejects.toMatchObject({ expected: 0n, actual: null });
    });
  });

  describe('of a fenced plan', () => {
    it('is carried out at the revision that the plan was made at', async () => {
      const { put } = house().process();
      expect(await put('c1', ['Emma'], { expected: null })).toMatchObject({ revision: 0n });
      expect(await put('c2', ['Dune'], { expected: 0n })).toMatchObject({ revision: 1n });
    });

    it('is not decided again elsewhere', async () => {
      const { process, books } = house();
      const { put } = process();
      await put('c1', ['Emma'], { expected: null });
      await expect(put('c2', ['Dune'], { expected: null })).rejects.toEqual(new Conflict(STREAM, 'no-stream', 0n));
      await expect(put('c3', ['Dune'], { expected: 5n })).rejects.toEqual(new Conflict(STREAM, 5n, 0n));
      expect(books()).toEqual(['Emma']);
    });

    it('lets one of two processes win that read the same', async () => {
      const { process, outcome } = house();
      const both = [process(), process()].map(({ put }, index) => put(`c${index}`, [`book ${index}`], { expected: null }));
      const race = await Promise.all(both.map(outcome));
      expect(race.filter((it) => it instanceof Conflict)).toHaveLength(1);
    });
  });

  describe('in trouble', () => {
    it('decides again on what stands when another process came first', async () => {
      const { process, books, outcome } = house();
      const race = await Promise.all([process().put('c1', ['Emma', 'Dune']), process().put('c2', ['Emma', 'Ulysses'])].map(outcome));
      expect(race.map((it) => (it as { revision: bigint }).revision).sort()).toEqual([1n, 2n]);
      expect([...books()].sort()).toEqual(['Dune', 'Emma', 'Ulysses']);
    });

    it('rejects on what stands when another process came first', async () => {
      const { process, outcome } = house();
      const race = await Promise.all([process().put('c1', ['a', 'b']), process().put('c2', ['c', 'd'])].map(outcome));
      expect(race.filter((it) => it instanceof Rejection)).toHaveLength(1);
    });

    it('finds its events when the answer of the append was lost', async () => {
      const { process, log, books, outcome, hints } = house();
      log.failAppends('answer_lost');
      expect(await outcome(process().put('c1', ['Emma']))).toMatchObject({ revision: 0n, events: [{ data: { title: 'Emma' } }], repeated: false });
      expect(books()).toEqual(['Emma']);
      expect(hints).toHaveLength(1);
    });

    it('finds its events at a fenced revision and at If-Match too', async () => {
      const { process, log, outcome } = house();
      log.failAppends('answer_lost', 'answer_lost');
      expect(await outcome(process().put('c1', ['Emma'], { expected: null }))).toMatchObject({ revision: 0n });
      expect(await outcome(process().put('c2', ['Dune'], { ifMatch: 0n }))).toMatchObject({ revision: 1n });
    });

    it('appends again when the append never arrived, or the store refused it', async () => {
      const { process, log, books, outcome } = house();
      log.failAppends('request_lost', 'unavailable', 'request_lost');
      expect(await outcome(process().put('c1', ['Emma']))).toMatchObject({ revision: 0n, repeated: false });
      expect(books()).toEqual(['Emma']);
    });

    it('gives up at its deadline with an error that asks for a retry', async () => {
      const { process, log, outcome, clock } = house();
      log.failAppends(...Array<'unavailable'>(1_000).fill('unavailable'));
      const failed = await outcome(process().put('c1', ['Emma'], { deadlineMs: 2_000 }));
      expect(failed).toBeInstanceOf(Transient);
      expect(failed).toMatchObject({ code: 'event_store.busy', cause: expect.any(Unavailable) });
      expect(clock.monotonic()).toBeLessThan(2_300);
    });

    it('holds up the stream that it is about, in this process, and no other', async () => {
      const { process, log, outcome } = house();
      const { aggregates, put } = process();
      log.failAppends('unavailable');
      const order: string[] = [];
      const first = put('c1', ['Emma']).then(() => order.push('first'));
      const second = put('c2', ['Dune']).then(() => order.push('second'));
      const elsewhere = aggregates.handle(shelf, 'plan-other', { type: 'PutBooks', data: { titles: ['Emma'] } }, metadata('c3'));
      const other = elsewhere.then(() => order.push('other'));
      await outcome(Promise.all([first, second, other]));
      expect(order).toEqual(['other', 'first', 'second']);
    });

    it('goes on with the next command after one that failed', async () => {
      const { process } = house();
      const { put } = process();
      const [full, fine] = await Promise.allSettled([put('c1', ['a', 'b', 'c', 'd']), put('c2', ['a'])]);
      expect([full.status, fine.status]).toEqual(['rejected', 'fulfilled']);
    });
  });
});

describe('loading', () => {
  it('gives the initial state of a stream that does not exist', async () => {
    expect(await house().process().aggregates.load(shelf, STREAM)).toEqual({ state: [], revision: null, position: null });
  });

  it('sees what another process wrote since, and reads only that', async () => {
    const { process, log } = house();
    const [one, two] = [process(), process()];
    await one.put('c1', ['Emma']);
    await two.put('c2', ['Dune']);
    const reads: (bigint | undefined)[] = [];
    const readStream = log.readStream.bind(log);
    log.readStream = (stream, options) => (reads.push(options?.from), readStream(stream, options));
    expect(await one.aggregates.load(shelf, STREAM)).toEqual({ state: ['Emma', 'Dune'], revision: 1n, position: log.log[1]!.position });
    expect(reads).toEqual([1n]);
  });

  it('folds each event once when it is asked for twice at once', async () => {
    const { process } = house();
    await process().put('c1', ['Emma', 'Dune']);
    const { aggregates } = process();
    const both = await Promise.all([aggregates.load(shelf, STREAM), aggregates.load(shelf, STREAM)]);
    expect(both.map(({ state }) => state)).toEqual([['Emma', 'Dune'], ['Emma', 'Dune']]);
  });

  it('knows a stream as well when others pushed it out of memory', async () => {
    const { process } = house();
    const { aggregates, put } = process(2);
    await put('c1', ['Emma']);
    for (const stream of ['plan-1', 'plan-2', 'plan-3']) await aggregates.load(shelf, stream);
    expect(await put('c1', ['Emma'])).toMatchObject({ repeated: true, revision: 0n });
    expect(await aggregates.load(shelf, STREAM)).toMatchObject({ state: ['Emma'], revision: 0n });
  });

  it('keeps the folds of two deciders over one stream apart', async () => {
    const { aggregates, put } = house().process();
    await put('c1', ['Emma', 'Dune']);
    const count: Decider<number, ShelfCommand, ShelfEvent> = { initial: 0, evolve: (sum) => sum + 1, decide: () => [] };
    expect((await aggregates.load(count, STREAM)).state).toBe(2);
    expect((await aggregates.load(shelf, STREAM)).state).toEqual(['Emma', 'Dune']);
  });

  it('begins anew after a history that it could not fold', async () => {
    let broken = true;
    const { process, log } = house((event) => {
      if (broken) throw new Error('no upcaster');
      return event;
    });
    await log.append(STREAM, 'no-stream', [older('c1', 'Emma')]);
    const { put } = process();
    await expect(put('c1', ['Emma'])).rejects.toThrow('no upcaster');
    broken = false;
    expect(await put('c1', ['Emma'])).toMatchObject({ repeated: true, state: ['Emma'] });
  });
});

describe('loading many', () => {
  const shelves = Array.from({ length: 8 }, (_, index) => `plan-${index}`);
  type Step = { readonly do: 'put' | 'load' | 'load all'; readonly by: 0 | 1; readonly shelf: number };
  const step = fc.record({ do: fc.constantFrom('put', 'load', 'load all'), by: fc.constantFrom(0, 1), shelf: fc.nat(7) }) as fc.Arbitrary<Step>;
  const steps = fc.array(step, { maxLength: 60 });

  it('gives what loading each gives, whoever wrote meanwhile and whatever was asked at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 2, max: 10 }), async (story, atOnce, cached) => {
        const { process, outcome } = house();
        const processes = [process(cached), process(cached)];
        for (let from = 0; from < story.length; from += atOnce) {
          const together = Promise.all(
            story.slice(from, from + atOnce).map(async ({ do: what, by, shelf: index }, offset) => {
              const { aggregates } = processes[by]!;
              if (what === 'load') await aggregates.load(shelf, shelves[index]!);
              if (what === 'load all') await aggregates.loadAll(shelf, shelves);
              if (what === 'put') await aggregates.handle(roomyShelf, shelves[index]!, { type: 'PutBooks', data: { titles: [`book ${from + offset}`] } }, metadata(`c${from + offset}`));
            }),
          );
          await outcome(together);
        }
        const fresh = process().aggregates;
        const expected = new Map(await Promise.all(shelves.map(async (stream) => [stream, await fresh.load(shelf, stream)] as const)));
        for (const { aggregates } of processes) expect(await aggregates.loadAll(shelf, shelves)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same to one that hears the log besides, however far behind it is heard', async () => {
    type Heard = Step | { readonly do: 'hear'; readonly count: number };
    const story: fc.Arbitrary<Heard[]> = fc.array(fc.oneof({ arbitrary: step, weight: 3 }, { arbitrary: fc.record({ do: fc.constant('hear' as const), count: fc.integer({ min: 1, max: 8 }) }), weight: 1 }), { minLength: 30, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(story, fc.integer({ min: 2, max: 12 }), fc.integer({ min: 6, max: 10 }), async (all, atOnce, cached) => {
        const { process, outcome, log, clock } = house();
        const processes = [process(cached), process(cached)];
        const { aggregates: hearing } = processes[0]!;
        const random = seededRandom(all.length);
        answerLate(log, () => clock.sleep(random() * 40));
        let heard = 0;
        const act = async (step: Heard, name: string): Promise<void> => {
          await clock.sleep(random() * 40);
          if (step.do === 'hear') {
            for (const event of log.log.slice(heard, heard + step.count)) hearing.hear(event);
            heard = Math.min(log.log.length, heard + step.count);
            return;
          }
          const { aggregates } = processes[step.by]!;
          if (step.do === 'put') await aggregates.handle(roomyShelf, shelves[step.shelf]!, { type: 'PutBooks', data: { titles: [name] } }, metadata(name));
          else if (step.do === 'load') await aggregates.load(roomyShelf, shelves[step.shelf]!);
          else {
            const loaded = await aggregates.loadAll(roomyShelf, shelves);
            for (const { state, revision } of loaded.values()) expect(BigInt(state.length)).toBe((revision ?? -1n) + 1n);
          }
        };
        for (let from = 0; from < all.length; from += atOnce) {
          expect(await outcome(Promise.all(all.slice(from, from + atOnce).map((step, offset) => act(step, `b${from + offset}`))))).not.toBeInstanceOf(Error);
          if (from % 3 > 0) continue;
          const expected = shelves.map((stream) => log.eventsOf(stream).map(({ data }) => (data as { title: string }).title));
          const loaded = await outcome(hearing.loadAll(roomyShelf, shelves));
          if (loaded instanceof Error) throw loaded;
          expect([...loaded.values()].map(({ state }) => state)).toEqual(expected);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('looks once at the log for all that it knows, and reads no stream', async () => {
    const { process, log } = house();
    const { aggregates } = process();
    const other = process();
    for (const [index, stream] of shelves.entries()) await other.aggregates.handle(shelf, stream, { type: 'PutBooks', data: { titles: ['Emma'] } }, metadata(`c${index}`));
    await aggregates.loadAll(shelf, shelves);
    await aggregates.loadAll(shelf, shelves);
    await other.aggregates.handle(shelf, 'plan-3', { type: 'PutBooks', data: { titles: ['Dune'] } }, metadata('c9'));
    log.readStream = () => {
      throw new Error('nothing has to be read');
    };
    const loaded = await aggregates.loadAll(shelf, shelves);
    expect(loaded.get('plan-3')?.state).toEqual(['Emma', 'Dune']);
  });
});

/** What is read is as it was when it was asked for, and comes some time later, as from a server. */
function answerLate(log: MemoryEventStore, late: () => Promise<void>): void {
  const [append, readAll] = [log.append.bind(log), log.readAll.bind(log)];
  log.append = async (...given) => {
    const appended = await append(...given);
    await late();
    return appended;
  };
  log.readAll = async (...given) => {
    const page = await readAll(...given);
    await late();
    return page;
  };
  log.readStream = async function* (stream, options) {
    const events = log.eventsOf(stream, options);
    await late();
    yield* events;
  };
}

/** As an earlier version wrote it. */
const older = (commandId: string, title: string): NewEvent => {
  const { now, ...inherited } = metadata(commandId);
  return { id: eventIdOf(commandId, STREAM, 0), type: 'BookPut', data: { title }, metadata: { ...inherited, at: new Date(now).toISOString(), schema: 1 } };
};

/** Takes whatever it is given. */
const roomyShelf: typeof shelf = { ...shelf, decide: (_, { data }) => data.titles.map((title) => ({ type: 'BookPut', data: { title } })) };
