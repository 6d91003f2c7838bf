import type { AgentStand, AssignmentSet, ChunkReply } from '#contracts';
import { subjects } from '#contracts';
import { chunkSet, connectNats } from '#messaging';
import { systemClock } from '#platform';
import { MemoryLogger } from '#testing';
import { type Doc, World } from './world.ts';

/** A store that was restored, emptied or mixed up must not stop anything. */
describe('another history', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const node = async (): Promise<Doc> => (await world.get('/v1/nodes')).items[0];

  it('is refused by the agent: an older set, a set of another store, and no container stops', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'guarded', replicas: 2 });
    await world.running(id, 2);
    const before = await world.containers(id);
    const { node_id: nodeId } = await node();
    const [, address, , port] = world.installation.part('nats-server').spec.args;
    const bus = await connectNats({ url: `nats://${address}:${port}`, name: 'test', logger: new MemoryLogger(), clock: systemClock });
    try {
      const heard = await new Promise<AgentStand>((resolve) => {
        const end: () => void = bus.subscribe<{ stand: AgentStand }>(subjects.heartbeat(nodeId), (beat) => {
          if (!beat.stand.applied) return;
          end();
          resolve(beat.stand);
        });
      });
      const send = async (set: AssignmentSet) => {
        let last: ChunkReply = { stand: null };
        for (const chunk of chunkSet(set)) last = await bus.request<ChunkReply>(subjects.set(nodeId), chunk, 5000);
        return last.stand;
      };
      const base = { revision: heard.applied!.revision, eventId: heard.applied!.eventId };
      const older: AssignmentSet = { storeId: heard.storeId!, nodeId, head: { revision: '0', eventId: base.eventId }, base, adoption: null, entries: [] };
      expect((await send(older))?.refusing?.code).toBe('older_revision');
      const otherStore: AssignmentSet = { ...older, storeId: 'another', head: { revision: String(Number(base.revision) + 100), eventId: 'x' } };
      expect((await send(otherStore))?.refusing?.code).toBe('other_store');
      const otherHistory: AssignmentSet = { ...older, head: { revision: String(Number(base.revision) + 1), eventId: 'y' }, base: { revision: base.revision, eventId: 'z' } };
      expect((await send(otherHistory))?.refusing?.code).toBe('other_history');
    } finally {
      await bus.close();
    }
    expect(await world.containers(id)).toEqual(before);
  }, 60_000);

  it('kills nothing when an older store is restored, until an operator adopts it', async () => {
    const { docker_service_id: old } = await world.createService({ name: 'before' });
    await world.running(old, 1);
    await world.installation.stop();
    await world.stores.saveEvents();
    await world.installation.start();
    const { docker_service_id: young } = await world.createService({ name: 'after' });
    await world.running(young, 1);
    await world.installation.stop();
    await world.stores.dropViews();
    await world.stores.restoreEvents();
    await world.installation.start();
    await world.createService({ name: 'pushes-the-history-on' });
    const { node_id: nodeId } = await node();
    await world.eventually('the node says that it refuses', async () => /history|revision/.test(JSON.stringify((await node()).refusing ?? '')));
    expect(await world.containers(young)).toHaveLength(1);
    expect(await world.containers(old)).toHaveLength(1);
    await world.post(`/v1/nodes/${nodeId}/adopt`);
    await world.eventually('what this history does not know is gone', async () => (await world.containers(young)).length === 0);
    await world.running(old, 1);
  }, 120_000);
});
