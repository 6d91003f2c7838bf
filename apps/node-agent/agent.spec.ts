import { subjects } from '#contracts';
import { entry, job, Life, NodeUnderTest, seenOnce } from './under-test.ts';

describe('an agent', () => {
  it('stops nothing for a set that it refuses, and takes away what is left over only by one that it takes', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'), entry('rep_b', 'web', { slot: 2 }));
    await node.clock.advance(2_000);
    for (const [change, code] of [[{ storeId: 'other' }, 'other_store'], [{ head: { revision: '0', eventId: 'e0' } }, 'older_revision'], [{ head: { revision: '1', eventId: 'x1' } }, 'other_history']] as const) {
      expect((await node.offer(change)).refusing?.code).toBe(code);
      await node.clock.advance(120_000);
      expect(node.running).toEqual(['rep_a', 'rep_b']);
      expect(node.beats.at(-1)?.stand.refusing?.code).toBe(code);
    }
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(100);
    expect(node.running).toEqual(['rep_a']);
    await node.stop();
  });

  it('changes over to another store when an operator says so', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    expect((await node.offer({ storeId: 'restored', base: null, adoption: 'adopt-1', entries: [entry('rep_b', 'web')] })).refusing).toBeNull();
    await node.clock.advance(2_000);
    expect(node.running).toEqual(['rep_b']);
    await node.stop();
  });

  it('killed after any of its steps goes on where it was, and doubles nothing', async () => {
    const entries = [entry('rep_a', 'web'), entry('rep_b', 'good later', { slot: 2 }), entry('rep_c', 'task', job('task'))];
    const expected = {
      rep_a: ['1 PREPARING', '1 STARTING', '1 RUNNING', '1 SETTLED'],
      rep_c: ['1 PREPARING', '1 STARTING', '1 RUNNING', '1 SETTLED', '1 COMPLETED final exited'],
    };
    let crashes = 0;
    for (let died = true; died; ) {
      const node = new NodeUnderTest();
      node.life.killAfter = crashes + 1;
      await node.start();
      // An agent that died before it took the set takes it in its next life.
      if (!node.life.dead) void node.offer({ entries }).catch(() => null);
      await node.clock.advance(10_000);
      died = node.life.dead;
      node.life.killAfter = died ? node.life.killAfter : Infinity;
      if (died) {
        crashes += 1;
        await node.bus.close();
        node.life = new Life();
        await node.start();
        if (node.agent.stand.applied === null) await node.apply(...entries);
      }
      await node.clock.advance(60_000);
      expect(node.running).toEqual(['rep_a', 'rep_b']);
      expect(node.created).toHaveLength(3);
      for (const [replicaId, words] of Object.entries(expected)) {
        const told = seenOnce(node.told(replicaId));
        // What came and went while it was dead is passed over.
        expect(told).toEqual(words.filter((word) => told.includes(word)));
        expect(told.at(-1)).toBe(words.at(-1));
      }
      expect(node.told('rep_b').at(-1)).toBe('3 SETTLED');
      expect(await node.linesOf('rep_c')).toEqual(['one', 'two']);
      await node.stop();
    }
    expect(crashes).toBeGreaterThan(50);
  }, 60_000);

  it('waits for an engine that is away, takes nothing for lost meanwhile, and sees afterwards what ended', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'), entry('rep_b', 'web', { slot: 2 }));
    await node.clock.advance(2_000);
    node.runtime.goDown();
    await node.clock.advance(100_000);
    node.runtime.kill('wb-mine-rep_b');
    await node.clock.advance(10_000);
    expect(node.told('rep_b').at(-1)).toBe('1 SETTLED');
    node.runtime.comeUp();
    await node.clock.advance(60_000);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED');
    expect(node.told('rep_b').slice(4)).toEqual(['1 FAILED exited', '2 STARTING', '2 RUNNING', '2 SETTLED']);
    await node.stop();
  });

  it('introduces its host again now and then: a log that was put back may have forgotten it, and can not say so', async () => {
    const node = await new NodeUnderTest().start();
    expect(node.introductions).toBe(1);
    await node.clock.advance(185_000);
    expect(node.introductions).toBe(4);
    await node.stop();
  });

  it('without an engine is heard and takes sets, says why it does nothing, and goes to work when the engine answers', async () => {
    const node = new NodeUnderTest();
    node.runtime.goDown('dockerd is gone');
    await node.start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(60_000);
    expect(node.beats.length).toBeGreaterThan(10);
    expect(node.beats.at(-1)).toMatchObject({ engineTrouble: 'dockerd is gone', stand: { applied: { revision: '1' } } });
    expect(node.agent.ready).toEqual({ engineTrouble: 'dockerd is gone', registered: false });
    expect(node.reports).toEqual([]);
    node.runtime.comeUp();
    await node.clock.advance(15_000);
    expect(node.running).toEqual(['rep_a']);
    expect(node.beats.at(-1)).not.toHaveProperty('engineTrouble');
    expect(node.agent.ready).toEqual({ engineTrouble: null, registered: true });
    expect(node.reports.length).toBeGreaterThan(0);
    await node.stop();
  });

  it('says within seconds that its engine went away, and that it is back, and lists nothing that it can not see', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(10_000);
    node.runtime.goDown('dockerd is gone');
    await node.clock.advance(2_000);
    expect(node.beats.at(-1)?.engineTrouble).toBe('dockerd is gone');
    const reports = node.reports.length;
    const asked = node.monitor.request(subjects.reportNow(node.agent.identity.nodeId), {}, 25_000);
    await node.clock.advance(100_000);
    expect(await asked).toEqual({ taken: false });
    expect(node.reports).toHaveLength(reports);
    node.runtime.comeUp();
    await node.clock.advance(2_000);
    expect(node.beats.at(-1)).not.toHaveProperty('engineTrouble');
    expect(node.reports.length).toBeGreaterThan(reports);
    await node.stop();
  });

  it('keeps what it saw while nobody hears it, and tells it in order, the list last', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'good later'));
    node.bus.disconnect();
    const [before, reports] = [node.said.length, node.reports.length];
    await node.clock.advance(30_000);
    expect(node.said).toHaveLength(before);
    node.bus.reconnect();
    await node.clock.advance(1_000);
    expect(node.told('rep_a').at(-1)).toBe('3 SETTLED');
    expect(node.reports.length).toBeGreaterThan(reports);
    expect(node.reports.at(-1)?.replicas).toMatchObject([{ replicaId: 'rep_a', run: 3, state: 'SETTLED' }]);
    await node.stop();
  });

  it('says that it is there, what it holds, and all of its replicas, regularly and when asked', async () => {
    const node = await new NodeUnderTest().start();
    expect(node.reports).toEqual([]);
    await node.apply(entry('rep_a', 'web'), entry('rep_b', 'slow', { slot: 2 }));
    const [beats, syncs, reports] = [node.beats.length, node.syncs.length, node.reports.length];
    await node.clock.advance(60_000);
    expect(node.beats.length - beats).toBe(12);
    expect(node.syncs.length - syncs).toBe(2);
    expect(node.reports.length - reports).toBe(1);
    expect(node.reports.at(-1)).toMatchObject({ stand: { applied: { revision: '1' } }, replicas: [{ replicaId: 'rep_a', state: 'SETTLED' }, { replicaId: 'rep_b', state: 'PREPARING' }] });
    node.monitor.publish(subjects.reportNow(node.agent.identity.nodeId), {});
    await node.clock.advance(10);
    expect(node.reports.length - reports).toBe(2);
    await node.stop();
  });

  it('asked for a report, answers when one that was made since is taken in, and says when it is not', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    let takes = true;
    node.onReport = async () => {
      await node.clock.sleep(4_000);
      return { taken: takes };
    };
    const answers: unknown[] = [];
    const ask = (): unknown => node.monitor.request(subjects.reportNow(node.agent.identity.nodeId), {}, 25_000).then((answer) => answers.push(answer));
    ask();
    await node.clock.advance(3_900);
    ask();
    expect(answers).toEqual([]);
    await node.clock.advance(200);
    expect(answers).toEqual([{ taken: true }]);
    takes = false;
    await node.clock.advance(4_000);
    expect(answers).toEqual([{ taken: true }, { taken: false }]);
    await node.stop();
  });
});
