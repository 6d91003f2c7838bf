import { EngineError } from '#docker';
import { VirtualClock } from '#testing';
import { Pulls } from './pulls.ts';
import { entry, job, NodeUnderTest } from './under-test.ts';

const MIB = 1024 ** 2;

describe('a pull', () => {
  it('says how far it is by its quarters, and what was pulled by its digest', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'slow'));
    await node.clock.advance(70_000);
    const pulling = node.said.filter(({ seen }) => seen.reason?.code === 'pulling').map(({ seen }) => seen);
    expect(pulling.map(({ pull }) => Math.floor((4 * pull!.doneBytes) / pull!.totalBytes || 0))).toEqual([0, 1, 2, 3]);
    expect(pulling.at(-1)!.reason!.message).toMatch(/^pulling slow: \d+ MiB of 100 MiB$/);
    expect(node.said.find(({ seen }) => seen.state === 'RUNNING')!.seen.imageDigest).toBe(`sha256:${'d'.repeat(64)}`);
    await node.stop();
  });

  it('is shown in heartbeats while it lasts', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'slow'));
    await node.clock.advance(31_000);
    expect(node.beats.at(-1)!.pulling).toEqual([{ replicaId: 'rep_a', image: 'slow', doneBytes: expect.any(Number), totalBytes: 100 * MIB }]);
    await node.clock.advance(40_000);
    expect(node.beats.at(-1)).not.toHaveProperty('pulling');
    await node.stop();
  });

  it('of which nothing more comes ends with that reason, and is begun again; a job’s not for ever', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'stalled'), entry('rep_j', 'stalled', { ...job('stalled'), slot: 0 }));
    await node.clock.advance(700_000);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 PREPARING pulling', '1 PREPARING pull_stalled']);
    expect(node.said.find(({ seen }) => seen.reason?.code === 'pull_stalled')!.seen.reason!.message).toBe('nothing more came of stalled for 60 s');
    expect(node.told('rep_j').at(-1)).toBe('1 FAILED final preparation_deadline');
    await node.stop();
  });
});

describe('pulls of one image', () => {
  const begin = () => {
    const clock = new VirtualClock();
    const asked: AbortSignal[] = [];
    const pulls = new Pulls({ pullImage: (_reference, signal) => (asked.push(signal), new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new EngineError('engine_unreachable', true, 'given up'))))) }, clock, 5_000);
    return { clock, asked, pulls };
  };

  it('are one, and it stalls for all who wait', async () => {
    const { clock, asked, pulls } = begin();
    const signal = new AbortController().signal;
    const both = Promise.allSettled([pulls.pull('web', signal), pulls.pull('web', signal)]);
    await clock.advance(6_000);
    const stalled = { status: 'rejected', reason: { code: 'pull_stalled', transient: true, message: 'nothing more came of web for 5 s' } };
    expect(await both).toMatchObject([stalled, stalled]);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['unauthorized: authentication required', 'shop/api:2 could not be pulled: unauthorized: authentication required'],
    ['manifest for shop/api:2 not found: manifest unknown', 'manifest for shop/api:2 not found: manifest unknown'],
  ])('that fail with "%s" name the image and the answer, once', async (answer, message) => {
    const pulls = new Pulls({ pullImage: () => Promise.reject(new EngineError('image_pull_denied', false, answer)) }, new VirtualClock());
    await expect(pulls.pull('shop/api:2', new AbortController().signal)).rejects.toMatchObject({ code: 'image_pull_denied', transient: false, message });
  });

  it('end with the last who waits', async () => {
    const { clock, asked, pulls } = begin();
    const [one, other] = [new AbortController(), new AbortController()];
    const both = Promise.all([pulls.pull('web', one.signal), pulls.pull('web', other.signal)]);
    one.abort();
    await clock.advance(10);
    expect(asked[0]!.aborted).toBe(false);
    other.abort();
    expect(await both).toEqual([false, false]);
    expect(asked[0]!.aborted).toBe(true);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
  });
});
