import { subjects, type Heartbeat } from '#contracts';
import { MemoryBroker, VirtualClock } from '#testing';
import { HeardNodes } from './heard-nodes.ts';

const setUp = () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker(clock);
  const heard = new HeardNodes(clock);
  heard.listen(broker.bus('gateway'));
  const agent = broker.bus('agent');
  const beat = async (engineTrouble?: string): Promise<void> => {
    const stand = { nodeId: 'node_1', storeId: null, applied: null, refusing: null } as const;
    agent.publish(subjects.heartbeat('node_1'), { stand, beat: 1, ...(engineTrouble ? { engineTrouble } : {}) } satisfies Heartbeat);
    await clock.advance(1);
  };
  return { clock, heard, beat };
};

describe('a node, as a gateway hears it', () => {
  it('is silent until its first beat, and after 10 s without one', async () => {
    const { clock, heard, beat } = setUp();
    expect(heard.silent('node_1')).toBe(true);
    await beat();
    await clock.advance(9_000);
    expect(heard.silent('node_1')).toBe(false);
    await clock.advance(1_500);
    expect(heard.silent('node_1')).toBe(true);
  });

  it('is silent, too, for one whose agent does not see its containers, though it was heard', async () => {
    const { clock, heard, beat } = setUp();
    await beat('dockerd is gone');
    expect(heard.silent('node_1')).toBe(true);
    await beat();
    await clock.advance(6_000);
    await beat('dockerd is gone');
    expect(heard.silent('node_1')).toBe(false);
    await clock.advance(5_000);
    expect(heard.silent('node_1')).toBe(true);
    expect(heard.lastHeardAt('node_1')).toBe(new Date(clock.now() - 5_001).toISOString());
  });
});
