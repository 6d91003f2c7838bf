import type { VolumeMount, VolumeType } from '#domain';
import { replicaIdOf } from '#platform';
import { MemoryLogger } from '#testing';
import { IDS, type SchedulerProcess, SchedulerWorld, SPEC } from '../../../test/simulation/scheduler-world.ts';
import { LogIndex } from '../log-index.ts';
import { ReconcileVolumes } from './reconcile-volumes.ts';

let world: SchedulerWorld;
afterEach(() => world.end());

const until = (condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);

const VOLUME = 'vol_data';
const MOUNT: VolumeMount = { type: 'volume', volumeId: VOLUME, name: 'data', mountPath: '/data', readOnly: false };
const GONE = { code: 'removed', message: 'it was removed' };

/** As the gateway does it: the volume with its user first. */
async function createService(replicas: number, kind: VolumeType = 'persistent'): Promise<void> {
  const { projectId, environmentId, serviceId } = IDS;
  const data = { volumeId: VOLUME, projectId, environmentId, name: 'data', kind, backend: 'local', sizeBytes: null, madeFor: serviceId, user: { type: 'docker_service', id: serviceId } } as const;
  await world.onVolume(VOLUME, { type: 'CreateVolume', data });
  await world.createService(replicas, { spec: { volumes: [MOUNT] } });
}

/** The agents' word on what their sets say. */
async function agentsReport(): Promise<void> {
  for (const { nodeId, sets } of world.nodes) {
    for (const { wanted } of sets.at(-1)?.volumes ?? []) {
      await world.onVolume(VOLUME, wanted === 'present' ? { type: 'RecordVolumeMade', data: { nodeId } } : { type: 'RecordVolumeGone', data: { nodeId, reason: GONE } });
    }
  }
}

const holders = (): string[] => world.nodes.filter(({ alive }) => alive.length > 0).map(({ nodeId }) => nodeId);

describe('a volume', () => {
  it('is bound before any node is claimed for its first user, and all of them go to that node', async () => {
    world = await SchedulerWorld.begin({ nodes: 3, schedulers: 2 });
    await createService(4);
    await until(() => world.isStable(4));
    const order = world.store.log.map(({ type }) => type);
    expect(order.indexOf('VolumeBound')).toBeLessThan(order.indexOf('PlacementClaimed'));
    expect(holders()).toEqual([(await world.volume(VOLUME)).binding!.nodeId]);
    expect(world.nodes.find(({ nodeId }) => nodeId === holders()[0])!.sets.at(-1)!.volumes).toEqual([{ volumeId: VOLUME, name: 'data', backend: 'local', sizeBytes: null, wanted: 'present', made: false }]);
    expect(world.breaches()).toEqual([]);
  });

  it.each([['persistent', true], ['ephemeral', undefined]] as const)('that is %s is told of as made once its node has said so: %s', async (kind, made) => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    await createService(1, kind);
    await until(() => world.isStable(1));
    const [node] = world.nodes;
    expect(node!.sets.at(-1)!.volumes![0]!.made).toBe(kind === 'persistent' ? false : undefined);
    await agentsReport();
    const before = node!.sets.length;
    await until(() => node!.sets.length > before);
    expect(node!.sets.at(-1)!.volumes![0]!.made).toBe(made);
  });

  it('is the reason why nobody goes elsewhere, by its node’s name', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await createService(1);
    await until(() => world.isStable(1));
    await agentsReport();
    await world.nodes.find(({ nodeId }) => nodeId === holders()[0])!.drain();
    await world.scale(2);
    await until(() => world.events('PlacementDeferred').length > 0);
    const { reason } = world.events('PlacementDeferred').at(-1)!.data as { reason: { message: string } };
    expect(reason.message).toContain(`the volume data is on ${holders()[0]!.replace('node_', '')}`);
  });

  it('goes with a service that is deleted with its volumes, and stays where only a change of it that came to nothing has used it', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    const { projectId, environmentId, serviceId } = IDS;
    const other = { volumeId: 'vol_other', projectId, environmentId, name: 'other', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: null } as const;
    await world.onVolume('vol_other', { type: 'CreateVolume', data: other });
    await createService(1);
    await until(() => world.isStable(1));
    await agentsReport();
    await world.onVolume('vol_other', { type: 'BeginVolumeUse', data: { user: { type: 'docker_service', id: serviceId } } });
    await world.onService({ type: 'RequestDockerServiceDeletion', data: { volumes: 'delete' } });
    await until(async () => (await world.volume('vol_other')).users.size === 0 && (await world.volume(VOLUME)).lifecycle === 'DELETING');
    expect((await world.volume('vol_other')).lifecycle).toBe('ACTIVE');
  });

  it('is free again where the node that it was bound to took nobody, wherever the scheduler died', async () => {
    let dies = true;
    for (let appends = 1; dies; appends += 1) {
      world = await SchedulerWorld.begin({ nodes: 2 });
      const [first] = world.processes;
      let died = false;
      world.kill(first!, appends, 'after', () => (died = true));
      await createService(2);
      await world.clock.advance(20_000);
      dies = died;
      const { binding } = await world.volume(VOLUME);
      const empty = binding && !holders().includes(binding.nodeId) ? world.nodes.find(({ nodeId }) => nodeId === binding.nodeId) : undefined;
      const isPlaced = world.events('ReplicaPlaced').length > 0;
      // Whatever it was bound to takes nobody any more; where a replica is there already it stays.
      if (empty && !isPlaced) await empty.drain();
      if (died) world.addScheduler();
      await until(async () => {
        await agentsReport();
        return world.isStable(2);
      });
      expect(holders()).toEqual([(await world.volume(VOLUME)).binding!.nodeId]);
      expect(world.breaches()).toEqual([]);
      if (dies) await world.end();
    }
  }, 60_000);

  it('stays when its service is deleted, unused, and goes on request when its node says so; its name is free then', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    await createService(1);
    await until(() => world.isStable(1));
    await agentsReport();
    await world.deleteService();
    await until(() => world.events('VolumeUseEnded').length === 1);
    await world.clock.advance(120_000);
    expect(await world.volume(VOLUME)).toMatchObject({ lifecycle: 'ACTIVE', binding: { provisioned: true } });
    await world.onVolume(VOLUME, { type: 'RequestVolumeDeletion', data: { reason: GONE } });
    await until(() => world.nodes[0]!.sets.at(-1)?.volumes?.[0]?.wanted === 'gone');
    await agentsReport();
    expect((await world.volume(VOLUME)).lifecycle).toBe('DELETED');
    await until(() => world.nodes[0]!.sets.at(-1)?.volumes === undefined, 60_000);
  });

  it.each([['persistent', 'delete'], ['ephemeral', undefined]] as const)('goes with its service where it is %s and volumes=%s', async (kind, volumes) => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    await createService(1, kind);
    await until(() => world.isStable(1));
    await agentsReport();
    await world.deleteService(volumes);
    await until(() => world.events('VolumeDeletionRequested').length === 1);
    await until(() => world.nodes[0]!.sets.at(-1)?.volumes?.[0]?.wanted === 'gone');
    await agentsReport();
    expect((await world.volume(VOLUME)).lifecycle).toBe('DELETED');
  });

  it('that is ephemeral goes with the last job that uses it, where its service went before that', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    await createService(1, 'ephemeral');
    await until(() => world.isStable(1));
    await agentsReport();
    await world.onVolume(VOLUME, { type: 'BeginVolumeUse', data: { user: { type: 'job', id: IDS.jobId } } });
    await world.deleteService();
    await until(() => world.events('VolumeUseEnded').length === 1);
    expect((await world.volume(VOLUME)).lifecycle).toBe('ACTIVE');
    await until(() => world.events('VolumeDeletionRequested').length === 1);
    expect((await world.volume(VOLUME)).users.size).toBe(0);
  });

  it('is used by a job as long as that has a container, for a scheduler too that has not heard of it yet', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    const { projectId, environmentId, jobId } = IDS;
    await world.onVolume(VOLUME, { type: 'CreateVolume', data: { volumeId: VOLUME, projectId, environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: { type: 'job', id: jobId } } });
    await world.runJob([MOUNT]);
    await until(() => holders().length === 1);
    const [{ store }] = world.processes as [SchedulerProcess];
    store.freeze();
    await world.endJob();
    await new ReconcileVolumes({ ...world, logger: new MemoryLogger() }, new LogIndex()).reconcile(VOLUME);
    expect(world.events('VolumeUseEnded')).toEqual([]);
    store.thaw();
    await until(() => world.events('VolumeUseEnded').length === 1);
    expect(holders()).toEqual([]);
  });

  it('is used by a change that waits for the next deployment', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    const { projectId, environmentId, serviceId } = IDS;
    await world.createService(1);
    await until(() => world.isStable(1));
    const data = { volumeId: VOLUME, projectId, environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: { type: 'docker_service', id: serviceId } } as const;
    await world.onVolume(VOLUME, { type: 'CreateVolume', data });
    await world.onService({ type: 'ChangeDockerService', data: { deploymentId: 'dep_later', spec: { ...SPEC, volumes: [MOUNT] }, postpone: true } });
    await world.clock.advance(300_000);
    expect((await world.volume(VOLUME)).users.size).toBe(1);
  });

  it('is freed where it was bound for a replica of which another volume has come to be on another node', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    const { projectId, environmentId, jobId } = IDS;
    const user = { type: 'job', id: jobId } as const;
    for (const volumeId of [VOLUME, 'vol_other'] as const) {
      await world.onVolume(volumeId, { type: 'CreateVolume', data: { volumeId, projectId, environmentId, name: volumeId.slice(4), kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user } });
    }
    const [here, there] = world.nodes.map(({ nodeId }) => nodeId);
    const reason = { code: 'best_score', message: 'it ranks first' };
    // A scheduler that died between the two, and another's replica that was quicker.
    await world.onVolume(VOLUME, { type: 'BindVolume', data: { nodeId: here!, replicaId: replicaIdOf(user, 0, 1), attempt: 1, reason } });
    await world.onVolume('vol_other', { type: 'BindVolume', data: { nodeId: there!, replicaId: 'rep_of_another', attempt: 1, reason } });
    await world.runJob([MOUNT, { ...MOUNT, volumeId: 'vol_other', name: 'other', mountPath: '/other' }]);
    await until(() => world.events('ReplicaPlaced').length === 1);
    expect([(await world.volume(VOLUME)).binding!.nodeId, (await world.volume('vol_other')).binding!.nodeId]).toEqual([there, there]);
    // Claimed in vain, so that nobody else claims that attempt: whoever bound the volumes may be just about to.
    expect(world.events('PlacementClaimed').map(({ data }) => data)).toMatchObject([{ nodeId: here, attempt: 1, inVain: true, reason: { code: 'volume_elsewhere' } }, { nodeId: there, attempt: 2 }]);
    expect(world.events('PlacementSettled').map(({ data }) => data)).toMatchObject([{ outcome: 'revoked', reason: { code: 'volume_elsewhere' } }, { outcome: 'placed' }]);
  });

  it('is freed where it was bound late, for an attempt that others have followed', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    const { projectId, environmentId, jobId } = IDS;
    const user = { type: 'job', id: jobId } as const;
    await world.onVolume(VOLUME, { type: 'CreateVolume', data: { volumeId: VOLUME, projectId, environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user } });
    for (const node of world.nodes) await node.drain();
    await world.runJob([MOUNT]);
    const [here, there] = world.nodes;
    for (const attempt of [1, 2, 1]) {
      const before = world.events('VolumeUnbound').length;
      await world.onVolume(VOLUME, { type: 'BindVolume', data: { nodeId: here!.nodeId, replicaId: replicaIdOf(user, 0, 1), attempt, reason: { code: 'best_score', message: 'it ranks first' } } });
      await until(() => world.events('VolumeUnbound').length > before);
    }
    expect(world.events('VolumeUnbound').map(({ data }) => (data as { reason: { code: string } }).reason.code)).toEqual(['drained', 'drained', 'attempt_over']);
    await there!.activate();
    await until(() => holders().length === 1);
    expect(holders()).toEqual([there!.nodeId]);
  });

  it.each([['persistent', false], ['ephemeral', true]] as const)('that is %s is made anew elsewhere when its node is removed: %s', async (kind, isAnew) => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await createService(1, kind);
    await until(() => world.isStable(1));
    await agentsReport();
    const lost = world.nodes.find(({ nodeId }) => nodeId === holders()[0])!;
    await lost.loseAndRemove();
    lost.containers.clear();
    if (isAnew) await until(() => world.isStable(1));
    else await until(() => world.events('PlacementDeferred').some(({ data }) => JSON.stringify(data).includes('which was removed')));
    const { binding, unbound } = await world.volume(VOLUME);
    expect([binding!.nodeId === lost.nodeId, unbound?.code ?? null]).toEqual([!isAnew, isAnew ? 'node_removed' : null]);
  });

  it('is given up where its service never came, and its use a minute after no release mounts it any more', async () => {
    world = await SchedulerWorld.begin({ nodes: 1 });
    const { projectId, environmentId } = IDS;
    const data = { volumeId: VOLUME, projectId, environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: 'svc_never', user: { type: 'docker_service', id: 'svc_never' } } as const;
    await world.onVolume(VOLUME, { type: 'CreateVolume', data });
    await world.clock.advance(50_000);
    expect(world.events('VolumeUseEnded')).toEqual([]);
    await until(() => world.events('VolumeDeleted').length === 1, 60_000);
  });
});
