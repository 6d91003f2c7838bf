import { MemoryBroker, subjectMatches } from './memory-bus.ts';
import { VirtualClock } from './virtual-clock.ts';

const setUp = (latencyMs = 0) => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker(clock, latencyMs);
  return { clock, broker, scheduler: broker.bus('scheduler'), agent: broker.bus('agent') };
};

describe('a bus in memory', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['*.b', 'a.b', true],
    ['a.b', 'a', false],
    ['a', 'a.b', false],
  ])('matches %s with %s: %s', (pattern, subject, matches) => {
    expect(subjectMatches(pattern, subject)).toBe(matches);
  });

  it('loses what a rule drops: a request times out, though it may have been carried out', async () => {
    const { clock, broker, scheduler, agent } = setUp();
    const heard: unknown[] = [];
    agent.subscribe('agent.set', (payload) => void heard.push(payload));
    const heal = broker.drop(({ kind, from }) => kind === 'answer' && from === 'agent');
    const lost = scheduler.request('agent.set', 1, 5_000).catch((error: { code: string }) => error.code);
    await clock.advance(5_000);
    expect(await lost).toBe('bus.timeout');
    heal();
    expect(await scheduler.request('agent.set', 2, 5_000)).toBeNull();
    expect(heard).toEqual([1, 2]);
  });

  it('cuts one way only where the rule says so', async () => {
    const { clock, broker, scheduler, agent } = setUp();
    const heard: string[] = [];
    agent.subscribe('>', () => void heard.push('agent'));
    scheduler.subscribe('>', () => void heard.push('scheduler'));
    broker.drop(({ to }) => to === 'agent');
    scheduler.publish('news', {});
    await clock.settle();
    expect(heard).toEqual(['scheduler']);
  });

  it('takes the clock’s time for each way', async () => {
    const { clock, scheduler, agent } = setUp(20);
    agent.subscribe('agent.set', () => 'done');
    let at = 0;
    void scheduler.request('agent.set', {}, 1_000).then(() => (at = clock.monotonic()));
    await clock.advance(100);
    expect(at).toBe(40);
    expect(clock.pending).toBe(0);
  });

  it('hands over copies, as a wire does', async () => {
    const { scheduler, agent } = setUp();
    const sent = { list: [1], gone: undefined };
    agent.subscribe<typeof sent>('agent.set', (payload) => payload);
    const answer = await scheduler.request('agent.set', sent, 1_000);
    expect(answer).toEqual({ list: [1] });
    expect(answer).not.toBe(sent);
  });
});
