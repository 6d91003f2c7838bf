import { subjects, type Heartbeat } from '#contracts';
import { MonitorWorld } from '../../test/simulation/monitor-world.ts';

let world: MonitorWorld;
beforeEach(async () => {
  world = new MonitorWorld();
  await world.toNode('node_1', { type: 'RegisterNode', data: { nodeId: 'node_1', publicKey: 'UA', facts: { name: 'host-1', address: 'a', architecture: 'amd64', engineVersion: '1', capacity: { cpuMillis: 1, memoryBytes: 1 }, labels: {} } } });
});
afterEach(() => world.end());

const said = () => world.typesIn('node', 'node_1').slice(1);

describe("a node's liveness", () => {
  it('is lost after three missed beats, and says since when', async () => {
    world.startMonitor();
    await world.beatFor(20_000, 'node_1');
    const lastBeat = world.clock.now() - 5_000;
    await world.clock.advance(9_000);
    expect(said()).toEqual([]);
    await world.clock.advance(2_000);
    expect(said()).toEqual(['NodeUnreachable']);
    expect(world.dataOfLast('node', 'node_1')).toEqual({ lastHeardAt: new Date(lastBeat).toISOString(), reason: { code: 'silent', message: 'nothing was heard of it for 15 s' } });
  });

  it('is lost, too, when its agent says for that long that the engine does not answer, and is back with the engine', async () => {
    world.startMonitor();
    const stand = { nodeId: 'node_1', storeId: null, applied: null, refusing: null } as const;
    await world.beatFor(5_000, 'node_1');
    for (let beat = 1; beat <= 3; beat += 1) {
      expect(said()).toEqual([]);
      world.agent.publish(subjects.heartbeat('node_1'), { stand, beat, engineTrouble: 'connect ENOENT /var/run/docker.sock' } satisfies Heartbeat);
      await world.clock.advance(4_900);
    }
    await world.clock.advance(1_000);
    expect(said()).toEqual(['NodeUnreachable']);
    expect(world.dataOfLast('node', 'node_1')).toMatchObject({
      reason: { code: 'engine_unreachable', message: "its agent is heard, but the engine doesn't answer it: connect ENOENT /var/run/docker.sock" },
    });
    await world.beatFor(5_000, 'node_1');
    expect(said()).toEqual(['NodeUnreachable', 'NodeReachable']);
  });

  it('is not lost by one lost beat', async () => {
    world.startMonitor();
    await world.beatFor(10_000, 'node_1');
    await world.clock.advance(5_000);
    await world.beatFor(30_000, 'node_1');
    expect(said()).toEqual([]);
  });

  it('comes back with the first beat, and a fresh report is asked for', async () => {
    world.startMonitor();
    const asked: string[] = [];
    world.agent.subscribe(subjects.reportNow('node_1'), (_, subject) => void asked.push(subject));
    await world.clock.advance(17_000);
    expect(world.dataOfLast('node', 'node_1')).toMatchObject({ lastHeardAt: null });
    await world.beatFor(10_000, 'node_1');
    expect(said()).toEqual(['NodeUnreachable', 'NodeReachable']);
    expect(asked).toEqual([subjects.reportNow('node_1')]);
  });

  it('is judged again and again', async () => {
    world.startMonitor();
    for (let round = 0; round < 3; round += 1) {
      await world.clock.advance(17_000);
      await world.beatFor(5_000, 'node_1');
    }
    expect(said()).toEqual(['NodeUnreachable', 'NodeReachable', 'NodeUnreachable', 'NodeReachable', 'NodeUnreachable', 'NodeReachable']);
  });

  it('is said once, however many monitors hear nothing', async () => {
    for (let count = 0; count < 3; count += 1) world.startMonitor();
    await world.clock.advance(30_000);
    await world.beatFor(10_000, 'node_1');
    expect(said()).toEqual(['NodeUnreachable', 'NodeReachable']);
  });

  it('is counted anew by a monitor that has just started', async () => {
    await world.clock.advance(60_000);
    world.startMonitor();
    await world.clock.advance(14_000);
    expect(said()).toEqual([]);
  });

  it('is counted anew after the monitor was cut off, and not judged meanwhile', async () => {
    const { bus } = world.startMonitor();
    await world.beatFor(10_000, 'node_1');
    bus.disconnect();
    await world.clock.advance(120_000);
    bus.reconnect();
    await world.clock.advance(14_000);
    expect(said()).toEqual([]);
    await world.clock.advance(2_000);
    expect(said()).toEqual(['NodeUnreachable']);
  });

  it('is counted anew after the monitor stood still itself', async () => {
    const frozen = frozenFor(world, 60_000);
    world.startMonitor();
    await world.beatFor(10_000, 'node_1');
    await frozen();
    await world.clock.advance(13_000);
    expect(said()).toEqual([]);
    await world.clock.advance(3_000);
    expect(said()).toEqual(['NodeUnreachable']);
  });

  it('is not moved by a wall clock that is set', async () => {
    world.startMonitor();
    await world.beatFor(10_000, 'node_1');
    world.clock.shiftWall(3_600_000);
    await world.beatFor(10_000, 'node_1');
    expect(said()).toEqual([]);
  });

  it('is tried again while the store is away', async () => {
    world.startMonitor();
    await world.clock.advance(10_000);
    world.store.failAppends(...Array.from({ length: 10 }, () => 'unavailable' as const));
    await world.clock.advance(30_000);
    expect(said()).toEqual(['NodeUnreachable']);
  });

  it("is nobody's business once the node is removed, or where nobody knows it", async () => {
    world.startMonitor();
    await world.toNode('node_1', { type: 'RemoveNode', data: {} });
    await world.clock.advance(60_000);
    await world.beatFor(10_000, 'node_1', 'node_9');
    expect(said()).toEqual(['NodeRemoved']);
    expect(world.typesIn('node', 'node_9')).toEqual([]);
  });

  it("is not vouched for by another node's beat", async () => {
    world.startMonitor();
    for (let beats = 0; beats < 4; beats += 1) {
      world.agent.publish(subjects.heartbeat('node_2'), { stand: { nodeId: 'node_1', storeId: null, applied: null, refusing: null }, beat: beats });
      await world.clock.advance(5_000);
    }
    expect(said()).toEqual(['NodeUnreachable']);
  });

  it('leaves nothing running when the monitor stops', async () => {
    const { monitor } = world.startMonitor();
    await world.clock.advance(5_000);
    expect(monitor.readiness()).toEqual({ ok: true, detail: 'listens to the nodes' });
    await world.end();
    expect(world.clock.pending).toBe(0);
  });
});

/** Time that passes without this process: timers set before fire once, late. As after SIGSTOP and SIGCONT.
 *  Has to be made before what is to be frozen is started. */
function frozenFor({ clock }: MonitorWorld, ms: number): () => Promise<void> {
  const real = clock.monotonic.bind(clock);
  let skipped = 0;
  clock.monotonic = () => real() + skipped;
  return async () => {
    skipped += ms;
    await clock.advance(1_000);
  };
}
