import type { NodeId, PresentReplica } from '#domain';
import { Conflict } from '#event-store';
import { IDS, SchedulerWorld } from '../../../test/simulation/scheduler-world.ts';
import { ReplicaVolumes } from './replica-volumes.ts';

const OWNER = { type: 'docker_service', id: IDS.serviceId } as const;
const REASON = { code: 'best_score', message: 'it ranks first' };
const REPLICA = {
  replicaId: 'rep_1', owner: OWNER, attempts: 0, volumes: [{ type: 'volume', volumeId: 'vol_data', name: 'data', mountPath: '/data', readOnly: false }],
} as unknown as PresentReplica;

describe('two schedulers that place one replica at once', () => {
  it.each([['node_a', true], ['node_b', false]] as const)('bind its volume to the node of the first: the second, which chose %s, is through: %s', async (nodeId, isThrough) => {
    const world = await SchedulerWorld.begin({ nodes: 1 });
    try {
      const data = { volumeId: 'vol_data', projectId: IDS.projectId, environmentId: IDS.environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: OWNER } as const;
      await world.onVolume('vol_data', { type: 'CreateVolume', data });
      const volumes = new ReplicaVolumes({ aggregates: world.aggregates, clock: world.clock }, { nodes: new Map(), causeOf: () => undefined } as never);
      const looked = await volumes.look(REPLICA);
      await volumes.bind(REPLICA, 'node_a' as NodeId, REASON, looked);
      const second = await volumes.bind(REPLICA, nodeId as NodeId, REASON, looked).catch((error: unknown) => error);
      expect(second instanceof Conflict).toBe(!isThrough);
      expect((await world.volume('vol_data')).binding).toMatchObject({ nodeId: 'node_a' });
    } finally {
      await world.end();
    }
  });
});
