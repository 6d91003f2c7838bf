import type { Decider } from '#domain';
import type { Recorded } from './port.ts';
import { FoldCache } from './stream-fold.ts';

const count: Decider<number, never, { type: 'Counted'; data: object }> = { initial: 0, evolve: (sum) => sum + 1, decide: () => [] };

const event = (stream: string, revision: number, position: number): Recorded =>
  ({ stream, revision: BigInt(revision), position: String(position).padStart(20, '0'), type: 'Counted', data: {}, metadata: { commandId: `${stream} ${revision}` } }) as unknown as Recorded;

/** A category whose log the test writes; what is read is what stood when it was asked for, and comes when `answer` says so. */
function category() {
  const log: Recorded[] = [];
  const cache = new FoldCache(count, 100);
  const write = (stream: string): Recorded => {
    const made = event(stream, log.filter((one) => one.stream === stream).length, log.length + 1);
    log.push(made);
    return made;
  };
  const reading = (stream: string) => {
    const answer = Promise.withResolvers<void>();
    const done = cache.refresh(stream, async function* (from) {
      const events = log.filter((one) => one.stream === stream && one.revision >= from);
      await answer.promise;
      yield* events;
    }, (event) => event);
    return { done, answer: answer.resolve };
  };
  const read = async (stream: string): Promise<void> => {
    const { done, answer } = reading(stream);
    answer();
    await done;
  };
  /** A look begins after the newest that was read; there has to be something. */
  const begin = async (): Promise<void> => {
    write('plan-b');
    await read('plan-b');
    await look();
  };
  const look = (): Promise<void> => cache.look(async (after) => ({ events: log.filter(({ position }) => position > after), next: log.at(-1)?.position ?? null }));
  return { cache, write, reading, read, look, begin };
}

describe('folds of a category', () => {
  it('are up to now by a look, for streams that were read since the first one', async () => {
    const { cache, write, read, look, begin } = category();
    await begin();
    write('plan-a');
    await read('plan-a');
    write('plan-a');
    await look();
    expect(cache.currentOf('plan-a')?.state).toBe(2);
    expect(cache.currentOf('plan-b')).toBeNull();
  });

  it('do not pass for up to now when a look, or what was heard, went past while they were read', async () => {
    for (const pass of ['look', 'hear'] as const) {
      const { cache, write, reading, read, look, begin } = category();
      await begin();
      write('plan-a');
      write('plan-a');
      const { done, answer } = reading('plan-a');
      const later = [write('plan-a'), write('plan-b')];
      if (pass === 'look') await look();
      else for (const one of later) cache.hear(one);
      answer();
      await done;
      await look();
      expect(cache.currentOf('plan-a')?.state ?? 'has to be read').toBe('has to be read');
      await read('plan-a');
      expect(cache.currentOf('plan-a')?.state).toBe(3);
    }
  });

  it('move on with what is heard, and are not looked at again for that', async () => {
    const { cache, write, read, begin } = category();
    await begin();
    write('plan-a');
    await read('plan-a');
    cache.hear(write('plan-a'));
    cache.hear(write('job-of_another_category'));
    let after: string | null = null;
    await cache.look(async (from) => ((after = from), { events: [], next: from }));
    expect(cache.currentOf('plan-a')?.state).toBe(2);
    expect(after).toBe(event('plan-a', 1, 3).position);
  });

  it('are current with what was just written, unless a look went past meanwhile', async () => {
    for (const passed of [false, true]) {
      const { cache, write, look, begin } = category();
      await begin();
      const mark = cache.mark();
      const fold = cache.of('plan-a');
      const own = write('plan-a');
      if (passed) await look();
      cache.wrote('plan-a', fold, { events: [own], state: 1 }, mark);
      expect(cache.currentOf('plan-a')?.state ?? null).toBe(passed ? null : 1);
    }
  });
});
