import { createdBefore, createDockerService, createVolume, deploymentIdOf, dockerServiceIdOf, mountsOfService, provideVolumes, serviceChangedBefore, standingOr, ToDockerService, ToVolume, type NewDockerService } from '#application';
import { dockerService, streamOf, type CommandMetadata, type DockerService, type DockerServiceId } from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { resolvedValues } from '../../apps/api-gateway/compute/resolve-values.ts';
import { AskedNetworks } from '../../apps/api-gateway/networks/asked-networks.ts';
import { refuseUsed } from '../../apps/api-gateway/resources/refuse-used.ts';
import { AskedVolumes, type VolumeScope } from '../../apps/api-gateway/volumes/asked-volumes.ts';
import { refuseSharedVolumes } from '../../apps/api-gateway/volumes/shared-volumes.ts';
import type { MountDto } from '../../apps/api-gateway/volumes/volume.dto.ts';
import { picker, type Client } from './client.ts';
import { MIB } from './house/host.ts';
import type { SimulatedGateway } from './house/parts.ts';
import { specOf } from './moves.ts';
import type { World } from './world.ts';

type Pick = ReturnType<typeof picker>;

/** Which networks a body names. */
export type Joins = Parameters<AskedNetworks['joins']>[0];

/** Volumes that are spoken of by name: shared by whoever does, but for the ephemeral ones. Only some hosts have what a size needs. */
const VOLUMES: readonly Omit<MountDto, 'mount_path'>[] = [
  { name: 'data' }, { name: 'data' }, { name: 'media' }, { name: 'sized', size_bytes: 64 * MIB }, { name: 'scratch', type: 'ephemeral' }, { name: 'cache', type: 'ephemeral' },
];

/** What a container is to find in its folders. */
export const mountsOf = (pick: Pick): readonly MountDto[] => {
  const first = { ...pick(VOLUMES), mount_path: '/first' };
  const second = { ...pick(VOLUMES), mount_path: '/second' };
  return pick([false, false, true]) ? [first, second] : [first];
};

/** What clients do about volumes. */
export const VOLUME_MOVES = {
  mount: onService((client, id, pick) => {
    const mounts = mountsOf(pick);
    const what = `mount ${mounts.map(({ name }) => name).join(' and ')} in ${id}`;
    client.change(id, { what, type: 'DeploymentStarted' }, async ({ service, commandId, gateway, metadata }) => {
      const { projectId, environmentId, dockerServiceId, deploy } = service;
      const volumes = askedVolumes(client.world, gateway.aggregates, { projectId, environmentId, commandId, madeFor: dockerServiceId });
      const spec = { ...specOf(service), volumes: await volumes.mounts(mounts, '/volumes', true) };
      await provideVolumes(gateway, volumes.mounting(mountsOfService(spec, deploy)), { type: 'docker_service', id: dockerServiceId }, metadata);
      return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec } };
    });
  }),

  unmount: onService((client, id) =>
    client.change(id, { what: `mount nothing in ${id}`, type: 'DeploymentStarted' }, ({ service, commandId }) => {
      const { volumes: _, ...spec } = specOf(service);
      return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec } };
    }),
  ),

  make_volume: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const name = pick(['data', 'media', 'spare']);
    const asked = { ...client.home, name, kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null } as const;
    client.ask({ what: `make the volume ${name}`, type: 'VolumeCreated', deed: (gateway, metadata) => createVolume(gateway, asked, metadata) });
  },

  delete_volume: (client: Client, lots: readonly number[]): void => {
    const standing = [...client.world.ledger.volumes].filter(([, volume]) => volume.status === 'present' && volume.lifecycle === 'ACTIVE');
    const [id] = picker(lots)(standing) ?? [];
    if (!id) return;
    const command = { type: 'RequestVolumeDeletion', data: { reason: { code: 'requested', message: 'it was asked for' } } } as const;
    client.ask({ what: `delete the volume ${id}`, type: 'VolumeDeletionRequested', deed: (gateway, metadata) => gateway.dispatcher.send(new ToVolume(id, command, metadata)) });
  },
} as const;

/** As the controller of services does it. */
export async function createAsked(client: Client, gateway: SimulatedGateway, { mounts, joins, ...asked }: NewDockerService & { readonly mounts: readonly MountDto[]; readonly joins: Joins }, metadata: CommandMetadata): Promise<Handled<DockerService>> {
  const { commandId } = metadata;
  const { projectId, environmentId } = asked;
  const { aggregates } = gateway;
  return standingOr(() => createdBefore(gateway, metadata), async () => {
    const volumes = askedVolumes(client.world, aggregates, { projectId, environmentId, commandId, madeFor: dockerServiceIdOf(commandId) });
    const networks = new AskedNetworks({ aggregates, projectId, environmentId, commandId });
    const mounted = await volumes.mounts(mounts, '/volumes', true);
    const joined = await networks.joins(joins, '', true);
    const spec = { ...(await resolvedValues(aggregates, { projectId, environmentId }, asked.spec)), ...(mounted.length > 0 ? { volumes: mounted } : {}), ...joined };
    return createDockerService(gateway, { ...asked, spec, creates: volumes.mounting(mounted).creates, newNetworks: networks.creates }, metadata);
  });
}

/** As the controller of services does it. */
export function deleteWithVolumes(gateway: SimulatedGateway, id: DockerServiceId, takes: boolean, metadata: CommandMetadata): Promise<Handled<DockerService>> {
  const { aggregates, dispatcher, asked } = gateway;
  return standingOr(() => serviceChangedBefore(gateway, id, metadata), async () => {
    const { state } = await aggregates.load(dockerService, streamOf('docker_service', id));
    const isStanding = state.status === 'present' && (state.lifecycle === 'ACTIVE' || state.lifecycle === 'PAUSED');
    if (isStanding) await refuseUsed(asked, { kind: 'docker_service', id, name: state.name, projectId: state.projectId });
    if (takes && state.status === 'present') await refuseSharedVolumes(aggregates, state, metadata.commandId);
    return dispatcher.send(new ToDockerService(id, { type: 'RequestDockerServiceDeletion', data: takes ? { volumes: 'delete' } : {} }, metadata));
  });
}

/** What a body wants mounted, looked up as a gateway does that knows of all nodes. */
export function askedVolumes({ ledger }: World, aggregates: AggregateStore, scope: Omit<VolumeScope, 'aggregates' | 'nodes'>): AskedVolumes {
  return new AskedVolumes({ ...scope, aggregates, nodes: [...ledger.nodes.values()].filter(({ status }) => status === 'registered') });
}

function onService(move: (client: Client, id: DockerServiceId, pick: Pick) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.services]);
    if (id) move(client, id, pick);
  };
}
