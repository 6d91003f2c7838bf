import { observedOf, type ServiceReading } from '#application';
import {
  clearedFrom, foresee, isImageId, streamOf, volume as volumeRules, volumesIn,
  type ExistingDockerService, type Foreseen, type House, type ImageFacts, type Node, type NodeId, type VolumeId, type VolumeNeed,
} from '#domain';
import { ImageHolders } from '#messaging';
import { hookJobIdOf, replicaIdOf } from '#platform';
import type { GatewayParts } from '../gateway.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { mountsWithin } from './changes.ts';

type Parts = Pick<GatewayParts, 'aggregates' | 'nodes' | 'bus' | 'clock'>;

/** The service with the change in it, and what else it stands with: nothing yet, where it has still to be made. */
export interface ToForesee {
  readonly service: ExistingDockerService;
  readonly reading: Pick<ServiceReading, 'deployment' | 'hook' | 'replicas'> | null;
  readonly volumes: AskedVolumes;
}

/** Where the replicas of a service would go, on the nodes as this gateway has read them. Nothing is written. */
export async function foreseenService(parts: Parts, { service, reading, volumes }: ToForesee): Promise<Foreseen> {
  const { nodes, clock } = parts;
  const now = clock.now();
  const owner = { type: 'docker_service', id: service.dockerServiceId } as const;
  const house: House = {
    nodes: nodes.present.flatMap((node) => (node.nodeId === null ? [] : [{ nodeId: node.nodeId, node }])),
    images: await imagesOf(parts, service),
    volumes: await volumesOf(parts, service, volumes),
  };
  return foresee({
    service,
    deployment: reading?.deployment ?? null,
    hook: reading?.hook ?? null,
    observed: (reading?.replicas ?? []).map(observedOf),
    house,
    now,
    replicaIdOf: (slot, generation) => replicaIdOf(owner, slot, generation, now),
    hookJobIdOf,
  });
}

/** Images that are where they are, and pulled by nobody: which nodes have them, as their agents say. */
async function imagesOf({ bus, clock, nodes }: Parts, { releases, pins, orders, activeDeployment, stableRelease }: ExistingDockerService): Promise<ReadonlyMap<number, ImageFacts>> {
  const present = new Map(nodes.present.flatMap((node): [NodeId, Node][] => (node.nodeId === null ? [] : [[node.nodeId, node]])));
  const holders = new ImageHolders({ bus, clock }, { nodes: present });
  const used = new Set([...[...orders.replicas.values()].map(({ release }) => release), activeDeployment?.toRelease ?? 0, stableRelease ?? 0]);
  const local = [...releases].flatMap(([release, { image, pullPolicy }]) => {
    const pin = pins.get(release)?.reference;
    return used.has(release) && (pullPolicy === 'never' || (pin !== undefined && isImageId(pin))) ? [[release, pin ?? image] as const] : [];
  });
  return new Map(await Promise.all(local.map(async ([release, reference]) => [release, { onlyOn: await holders.of(reference) }] as const)));
}

async function volumesOf({ aggregates, nodes }: Parts, service: ExistingDockerService, asked: AskedVolumes): Promise<ReadonlyMap<VolumeId, VolumeNeed>> {
  const mounts = mountsWithin(service);
  const found = await Promise.all(volumesIn(mounts).map(async (id): Promise<readonly [VolumeId, VolumeNeed][]> => {
    const { state } = await aggregates.load(volumeRules, streamOf('volume', id));
    if (state.status !== 'present') return asked.needs(mounts.filter((mount) => mount.type === 'volume' && mount.volumeId === id)).slice(0, 1).map((need) => [id, need]);
    const { name, backend, binding } = state;
    const nodeName = nodes.present.find(({ nodeId }) => nodeId === binding?.nodeId)?.facts?.name;
    return [[id, { name, backend, clearedFrom: clearedFrom(state), nodeId: binding?.nodeId ?? null, ...(nodeName === undefined ? {} : { nodeName }) }]];
  }));
  return new Map(found.flat());
}
