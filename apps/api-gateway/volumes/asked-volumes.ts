import { volumeIdOf, type Mounting, type NewVolume } from '#application';
import {
  claimKey, isName, LIMITS, NAME_RULE, project, Rejection, sizeRefusal, streamOf, volume as volumeRules, volumesIn,
  type DockerServiceId, type EnvironmentId, type ExistingVolume, type Node, type ProjectId, type VolumeId, type VolumeMount, type VolumeNeed, type VolumeBackend,
} from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { MountDto } from './volume.dto.ts';

/** Where volumes are looked for, and whom they are made for. */
export interface VolumeScope {
  readonly aggregates: AggregateStore;
  /** Those that are there, for an early refusal. */
  readonly nodes: readonly Node[];
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly commandId: string;
  /** The service that mounts them; null for a job. */
  readonly madeFor: DockerServiceId | null;
}

/** What a body wants mounted: volumes that are there are found by their name or id, those that aren't are noted to be made. */
export class AskedVolumes {
  readonly #creates = new Map<string, NewVolume>();
  readonly #found = new Map<VolumeId, ExistingVolume>();

  constructor(private readonly scope: VolumeScope) {}

  /** @param at where the list stands in the body. @param mayMake whether one that isn't there is to be made.
   *  @throws InvalidRequest where fields lack or contradict each other, or what is there: `volume.not_found`, `volume.differs`, `volume.size_…`; Rejection `volume.deleted` */
  async mounts(asked: readonly MountDto[] | null | undefined, at: string, mayMake: boolean): Promise<readonly VolumeMount[]> {
    if ((asked?.length ?? 0) > LIMITS.volumes) throw refused(at, 'too_many', `must be at most ${LIMITS.volumes} volumes`);
    const mounts: VolumeMount[] = [];
    for (const [index, mount] of (asked ?? []).entries()) mounts.push(await this.#mount(mount, `${at}/${index}`, mayMake));
    return mounts;
  }

  /** For whoever writes what mounts these. */
  mounting(mounts: readonly VolumeMount[] | undefined): Mounting {
    return { creates: [...this.#creates.values()], mounts: mounts ?? [] };
  }

  /** Where the volumes among these are, as far as they were looked up here. */
  needs(mounts: readonly VolumeMount[] | undefined): readonly VolumeNeed[] {
    return volumesIn(mounts).flatMap((volumeId): VolumeNeed[] => {
      const found = this.#found.get(volumeId);
      if (found) return [{ name: found.name, backend: found.backend, ...this.#whereIs(found) }];
      const made = [...this.#creates.values()].find(({ name }) => volumeIdOf(this.scope.commandId, name) === volumeId);
      return made ? [{ name: made.name, backend: made.backend, nodeId: null }] : [];
    });
  }

  #whereIs({ binding }: ExistingVolume): Pick<VolumeNeed, 'nodeId' | 'nodeName'> {
    const nodeName = this.scope.nodes.find(({ nodeId }) => nodeId === binding?.nodeId)?.facts?.name;
    return { nodeId: binding?.nodeId ?? null, ...(nodeName === undefined ? {} : { nodeName }) };
  }

  async #mount(asked: MountDto, at: string, mayMake: boolean): Promise<VolumeMount> {
    if (asked.type === 'host_path') return hostPath(asked, at);
    if (asked.host_path != null) throw refused(`${at}/host_path`, 'exclusive', 'goes with type host_path only');
    if (asked.backend === 'tmpfs') return tmpfs(asked, at);
    const { name, volumeId } = asked.volume_id == null ? await this.#byName(asked, at, mayMake) : await this.#byId(asked, at);
    return { type: 'volume', volumeId, name, mountPath: asked.mount_path, readOnly: asked.read_only ?? false };
  }

  async #byId(asked: MountDto, at: string): Promise<ExistingVolume> {
    const found = await this.#standing(asked.volume_id as VolumeId);
    if (!found) throw refused(`${at}/volume_id`, 'volume.not_found', 'the environment has no such volume: GET /v1/volumes lists them');
    if (asked.name != null && asked.name !== found.name) throw refused(`${at}/name`, 'volume.differs', `the volume is called ${found.name}: leave name out`);
    refuseDifferent(asked, found, at);
    return found;
  }

  async #byName(asked: MountDto, at: string, mayMake: boolean): Promise<{ readonly name: string; readonly volumeId: VolumeId }> {
    const { name } = asked;
    if (name == null) throw refused(`${at}/name`, 'required', 'is needed without volume_id');
    if (!isName(name)) throw refused(`${at}/name`, 'invalid', `must be ${NAME_RULE}`);
    const { aggregates, projectId, environmentId, commandId } = this.scope;
    const { state } = await aggregates.load(project, streamOf('project', projectId));
    const holder = state.claims.get(claimKey({ scope: 'volume', environmentId, name }))?.holder as VolumeId | undefined;
    const found = holder && (await this.#standing(holder));
    if (found) {
      refuseDifferent(asked, found, at);
      return found;
    }
    if (holder && (await this.#isGoing(holder))) throw goes(name, `${at}/name`);
    const volumeId = volumeIdOf(commandId, name);
    const made = this.#creates.get(name);
    if (made) refuseDifferent(asked, made, at);
    if (made) return { name, volumeId };
    if (!mayMake) throw refused(`${at}/name`, 'volume.not_found', `the environment has no volume ${name}: make it first, by POST /v1/volumes`);
    this.#creates.set(name, this.#new(asked, name, at));
    return { name, volumeId };
  }

  #new({ type, backend, size_bytes }: MountDto, name: string, at: string): NewVolume {
    const { projectId, environmentId, madeFor, nodes } = this.scope;
    const kind = type === 'ephemeral' ? 'ephemeral' : 'persistent';
    if (kind === 'ephemeral' && madeFor === null) throw refused(`${at}/type`, 'unsupported', 'an ephemeral volume goes with its service: for a job take the backend tmpfs, or a persistent volume');
    return { projectId, environmentId, name, kind, ...placedIn({ backend: backend as VolumeBackend | undefined, size_bytes }, nodes, at), madeFor };
  }

  async #isGoing(volumeId: VolumeId): Promise<boolean> {
    const { state } = await this.scope.aggregates.load(volumeRules, streamOf('volume', volumeId));
    return state.status === 'present' && state.lifecycle !== 'ACTIVE';
  }

  async #standing(volumeId: VolumeId): Promise<ExistingVolume | null> {
    const { state } = await this.scope.aggregates.load(volumeRules, streamOf('volume', volumeId));
    if (state.status !== 'present' || state.lifecycle !== 'ACTIVE' || state.environmentId !== this.scope.environmentId) return null;
    this.#found.set(volumeId, state);
    return state;
  }
}

/** The backend and size of a new volume: a size is refused where nothing would hold it to that.
 *  @param at where they stand in the body. @throws InvalidRequest `volume.size_not_enforced`, `volume.size_required`, `volume.size_out_of_range`, `volume.backend_missing` */
export function placedIn({ backend, size_bytes }: { readonly backend?: VolumeBackend; readonly size_bytes?: number }, nodes: readonly Node[], at: string): Pick<NewVolume, 'backend' | 'sizeBytes'> {
  const sizeBytes = size_bytes ?? null;
  const chosen = backend ?? (sizeBytes === null ? 'local' : 'loop');
  const refusal = sizeRefusal(chosen, sizeBytes);
  if (refusal) throw refused(`${at}/size_bytes`, refusal.code, refusal.message);
  const isThere = nodes.length === 0 || nodes.some(({ facts }) => facts?.backends?.includes(chosen));
  if (isThere) return { backend: chosen, sizeBytes };
  if (backend == null && sizeBytes !== null) {
    throw refused(`${at}/size_bytes`, 'volume.size_not_enforced', 'no node can hold a volume to a size: leave size_bytes out, or let an operator give a node the backend loop');
  }
  throw refused(`${at}/backend`, 'volume.backend_missing', `no node has the backend ${chosen}: take another one, or let an operator give a node that`);
}

function hostPath({ host_path, mount_path, read_only, ...rest }: MountDto, at: string): VolumeMount {
  if (host_path == null) throw refused(`${at}/host_path`, 'required', 'is needed with type host_path');
  refuseBeside(rest, ['name', 'volume_id', 'backend', 'size_bytes'], at, 'a folder of the host is taken as it is');
  return { type: 'host_path', source: host_path, mountPath: mount_path, readOnly: read_only ?? false };
}

function tmpfs({ mount_path, size_bytes, ...rest }: MountDto, at: string): VolumeMount {
  if (rest.type === 'persistent') throw refused(`${at}/type`, 'exclusive', 'tmpfs is memory, and gone with its container: say ephemeral, or take another backend');
  refuseBeside(rest, ['name', 'volume_id', 'read_only'], at, 'each container has its own tmpfs');
  return { type: 'tmpfs', mountPath: mount_path, sizeBytes: size_bytes ?? null };
}

function refuseBeside(given: Partial<MountDto>, fields: readonly (keyof MountDto)[], at: string, why: string): void {
  const wrong = fields.find((field) => given[field] != null && given[field] !== false);
  if (wrong) throw refused(`${at}/${wrong}`, 'exclusive', `${why}: leave ${wrong} out`);
}

/** What is said of a volume that is there, or was asked for further up, has to be so: nothing is changed by mounting it. */
function refuseDifferent({ type, backend, size_bytes }: MountDto, found: Pick<NewVolume, 'name' | 'kind' | 'backend' | 'sizeBytes'>, at: string): void {
  const given = [['type', type, found.kind], ['backend', backend, found.backend], ['size_bytes', size_bytes, found.sizeBytes]] as const;
  const wrong = given.find(([, asked, is]) => asked != null && asked !== is);
  if (wrong) throw refused(`${at}/${wrong[0]}`, 'volume.differs', `the volume ${found.name} is there or asked for already, with ${wrong[2] === null ? 'none' : wrong[2]}: leave ${wrong[0]} out, or choose another name`);
}

const refused = (pointer: string, code: string, detail: string): InvalidRequest => new InvalidRequest([{ pointer, code, detail }], code.startsWith('volume.') ? code : undefined);

const goes = (name: string, pointer: string): Rejection =>
  new Rejection('conflict', 'volume.deleted', `the volume ${name} is being deleted, and its name is free once its node's agent has said that nothing is left: wait for that, or choose another name`, { pointer });
