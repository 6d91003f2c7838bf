import { subjects, type AssignedVolume, type VolumeReport, type VolumeUsageReply } from '#contracts';
import type { VolumeMount } from '#domain';
import { MemoryStorage } from './memory-storage.ts';
import { entry, Life, NodeUnderTest } from './under-test.ts';

const MIB = 1024 ** 2;
const local: AssignedVolume = { volumeId: 'vol_a', name: 'uploads', backend: 'local', sizeBytes: null, wanted: 'present' };
const loop: AssignedVolume = { volumeId: 'vol_b', name: 'sized', backend: 'loop', sizeBytes: 32 * MIB, wanted: 'present' };
const mount = ({ volumeId, name }: AssignedVolume): VolumeMount => ({ type: 'volume', volumeId, name, mountPath: `/${name}`, readOnly: false });
const user = (...volumes: VolumeMount[]) => entry('rep_a', 'web', { of: { volumes } });

class Node extends NodeUnderTest {
  readonly reported: string[] = [];
  readonly #all: VolumeReport[] = [];
  /** The platform takes nothing in. */
  isDeaf = false;

  constructor() {
    super({}, new MemoryStorage());
    this.monitor.subscribe<VolumeReport>(subjects.volumes('*'), (report) => {
      this.#all.push(report);
      if (this.isDeaf) return { taken: false };
      for (const { volumeId, state } of report.volumes) if (!this.reported.includes(`${volumeId} ${state}`)) this.reported.push(`${volumeId} ${state}`);
      return { taken: true };
    });
  }

  async names(): Promise<string[]> {
    return (await this.runtime.listVolumes()).map(({ name }) => name).sort();
  }
}

describe('the volumes of a node', () => {
  it('are made before the container that mounts them, and told of', async () => {
    const node = await new Node().start();
    await node.offer({ entries: [user(mount(local), mount(loop))], volumes: [local, loop] });
    await node.clock.advance(3_000);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED');
    expect(await node.names()).toEqual(['wb-mine-vol_a', 'wb-mine-vol_b']);
    expect(node.storage.made).toEqual(['vol_b 33554432']);
    expect(node.reported).toEqual(['vol_a made', 'vol_b made']);
    await node.stop();
  });

  it('are never taken away for not being spoken of, and at once when they are to be gone', async () => {
    const node = await new Node().start();
    await node.offer({ entries: [user(mount(loop))], volumes: [loop] });
    await node.clock.advance(3_000);
    await node.offer({ entries: [entry('rep_a', 'web', { wanted: 'gone', of: { volumes: [mount(loop)] } })], volumes: [] });
    await node.clock.advance(120_000);
    expect(await node.names()).toEqual(['wb-mine-vol_b']);
    await node.offer({ entries: [], volumes: [{ ...loop, wanted: 'gone' }] });
    await node.clock.advance(1_000);
    expect([await node.names(), node.storage.made, node.reported]).toEqual([[], [], ['vol_b made', 'vol_b gone']]);
    await node.stop();
  });

  it('wait for the container that still has them', async () => {
    const node = await new Node().start();
    await node.offer({ entries: [user(mount(local))], volumes: [local] });
    await node.clock.advance(3_000);
    await node.offer({ entries: [user(mount(local))], volumes: [{ ...local, wanted: 'gone' }] });
    await node.clock.advance(5_000);
    expect(await node.names()).toEqual(['wb-mine-vol_a']);
    await node.offer({ entries: [entry('rep_a', 'web', { wanted: 'gone' })], volumes: [{ ...local, wanted: 'gone' }] });
    await node.clock.advance(40_000);
    expect([await node.names(), node.reported.at(-1)]).toEqual([[], 'vol_a gone']);
    await node.stop();
  });

  it('are told of as gone only when nothing of them is left on the host either', async () => {
    const node = await new Node().start();
    await node.offer({ entries: [user(mount(loop))], volumes: [loop] });
    await node.clock.advance(3_000);
    node.storage.holds = 'umount: target is busy';
    node.reported.length = 0;
    await node.offer({ entries: [entry('rep_a', 'web', { wanted: 'gone' })], volumes: [{ ...loop, wanted: 'gone' }] });
    await node.clock.advance(60_000);
    expect([await node.names(), node.storage.made, node.reported]).toEqual([[], ['vol_b 33554432'], []]);
    node.storage.holds = null;
    await node.clock.advance(400_000);
    expect([node.storage.made, node.reported]).toEqual([[], ['vol_b gone']]);
    await node.stop();
  });

  it('that are to be kept are written to only when the platform knows them as made', async () => {
    const node = await new Node().start();
    node.isDeaf = true;
    await node.offer({ entries: [user(mount(local))], volumes: [{ ...local, made: false }] });
    await node.clock.advance(20_000);
    expect([await node.names(), node.runtime.containers]).toEqual([['wb-mine-vol_a'], []]);
    expect(node.told('rep_a').at(-1)).toBe('1 PREPARING volume_failed');
    node.isDeaf = false;
    await node.clock.advance(60_000);
    expect([node.told('rep_a').at(-1), node.reported]).toEqual(['1 SETTLED', ['vol_a made']]);
    await node.stop();
  });

  it('are the reason why a container isn’t made, while the host refuses one or was not told of it', async () => {
    const node = await new Node().start();
    node.storage.refuses = 'no space left on the host';
    await node.offer({ entries: [user(mount(loop))], volumes: [loop] });
    await node.clock.advance(1_000);
    expect(node.said.at(-1)!.seen.reason).toEqual({ code: 'volume_failed', message: 'the volume sized (loop): no space left on the host' });
    node.storage.refuses = null;
    await node.clock.advance(60_000);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED');
    await node.offer({ entries: [user(mount(loop)), entry('rep_b', 'web', { slot: 2, of: { volumes: [mount(local)] } })], volumes: [loop] });
    await node.clock.advance(1_000);
    expect(node.said.findLast(({ replicaId }) => replicaId === 'rep_b')!.seen.reason).toMatchObject({ code: 'volume_failed', message: expect.stringContaining('not on this node') });
    await node.stop();
  });

  it('are not made anew where they were made and are gone: that is said, and what is put back is taken at the next try', async () => {
    const node = await new Node().start();
    const known = [{ ...local, made: true }, { ...loop, made: true }] as const;
    await node.offer({ entries: [user(mount(local))], volumes: known });
    await node.clock.advance(1_000);
    expect(node.said.at(-1)!.seen.reason).toEqual({
      code: 'volume_lost',
      message: "the data of the volume uploads (vol_a) was on this host and is gone: somebody has removed the engine's volume wb-mine-vol_a. Put it back, or mount another volume in its place and delete this one",
    });
    await node.offer({ entries: [user(mount(local)), entry('rep_b', 'web', { slot: 2, of: { volumes: [mount(loop)] } })], volumes: known });
    await node.clock.advance(60_000);
    expect([await node.names(), node.storage.made, node.reported]).toEqual([[], [], ['vol_a lost', 'vol_b lost']]);
    expect(node.said.findLast(({ replicaId }) => replicaId === 'rep_b')!.seen.reason).toMatchObject({ code: 'volume_lost', message: expect.stringContaining('removed its file') });
    await node.runtime.ensureVolume({ name: 'wb-mine-vol_a', volumeId: 'vol_a', folder: null });
    await node.storage.ensureLoop(loop);
    await node.clock.advance(120_000);
    expect([node.told('rep_a').at(-1), node.told('rep_b').at(-1)]).toEqual(['1 SETTLED', '1 SETTLED']);
    expect(node.reported).toEqual(['vol_a lost', 'vol_b lost', 'vol_a made', 'vol_b made']);
    await node.stop();
  });

  it('are lost before a stopped container is started on nothing, too, and never for what the engine alone has forgotten of a file', async () => {
    const node = await new Node().start();
    const both = [user(mount(local)), entry('rep_b', 'web', { slot: 2, of: { volumes: [mount(loop)] } })];
    await node.offer({ entries: both, volumes: [local, loop] });
    await node.clock.advance(3_000);
    await node.offer({ entries: both.map((each) => ({ ...each, wanted: 'gone' as const })), volumes: [{ ...local, made: true }, { ...loop, made: true }] });
    await node.clock.advance(20_000);
    for (const name of await node.names()) node.runtime.removeVolumeOutside(name);
    await node.clock.advance(60_000);
    const later = [entry('rep_c', 'web', { of: { volumes: [mount(local)] } }), entry('rep_d', 'web', { slot: 2, of: { volumes: [mount(loop)] } })];
    await node.offer({ entries: later, volumes: [{ ...local, made: true }, { ...loop, made: true }] });
    await node.clock.advance(10_000);
    expect(node.told('rep_c').at(-1)).toBe('1 PREPARING volume_lost');
    expect(node.told('rep_d').at(-1)).toBe('1 SETTLED');
    expect([await node.names(), node.reported]).toEqual([['wb-mine-vol_b'], ['vol_a made', 'vol_b made', 'vol_a lost']]);
    await node.offer({ entries: later.map((each) => ({ ...each, wanted: 'gone' as const })), volumes: [{ ...local, wanted: 'gone' }, { ...loop, made: true }] });
    await node.clock.advance(20_000);
    expect(node.reported.at(-1)).toBe('vol_a gone');
    await node.stop();
  });

  it('let in no folder of the host but what it allows, and none through a link', async () => {
    const node = await new Node().start();
    const host = (source: string, replicaId: `rep_${string}`, slot: number) => entry(replicaId, 'web', { slot, of: { volumes: [{ type: 'host_path', source, mountPath: '/h', readOnly: true }] } });
    node.storage.links.set('/srv/out', '/etc');
    node.storage.links.set('/srv/in', '/srv/real');
    await node.apply(host('/srv/plain', 'rep_a', 1), host('/etc', 'rep_b', 2), host('/srv/out', 'rep_c', 3), host('/srv/in', 'rep_d', 4), host('/opt/theirs', 'rep_e', 5));
    await node.clock.advance(3_000);
    expect(node.running).toEqual(['rep_a']);
    for (const replicaId of ['rep_b', 'rep_c', 'rep_d', 'rep_e']) expect(node.told(replicaId).at(-1)).toBe('1 FAILED final host_path_denied');
    expect(node.said.findLast(({ replicaId }) => replicaId === 'rep_c')!.seen.reason!.message).not.toContain('/etc');
    await node.stop();
  });

  it('are looked into when somebody asks', async () => {
    const node = await new Node().start();
    await node.offer({ entries: [user(mount(local), mount(loop))], volumes: [local, loop] });
    await node.clock.advance(3_000);
    node.storage.used.set('vol_b', 5 * MIB);
    const asked = node.monitor.request<VolumeUsageReply>(subjects.volumeUsage(node.agent.identity.nodeId), { volumeIds: ['vol_b'] }, 3_000);
    await node.clock.settle();
    expect((await asked).usages).toMatchObject([{ volumeId: 'vol_b', usedBytes: 5 * MIB }]);
    await node.stop();
  });

  it('come to the same whatever the agent dies in the middle of', async () => {
    for (let deeds = 1; deeds < 60; deeds += 1) {
      const node = await new Node().start();
      node.life.killAfter = node.life.deeds + deeds;
      void node.offer({ entries: [user(mount(local), mount(loop))], volumes: [local, loop] }).catch(() => null);
      await node.clock.advance(3_000);
      node.life = new Life();
      await node.bus.close();
      await node.start();
      await node.offer({ entries: [user(mount(local), mount(loop))], volumes: [local, loop] });
      await node.clock.advance(30_000);
      expect(node.running).toEqual(['rep_a']);
      await node.offer({ entries: [entry('rep_a', 'web', { wanted: 'gone' })], volumes: [{ ...local, wanted: 'gone' }, { ...loop, wanted: 'gone' }] });
      await node.clock.advance(60_000);
      expect([await node.names(), node.storage.made]).toEqual([[], []]);
      await node.stop();
    }
  });
});
