import { clearedFrom, type NodeId, type PresentReplica, type Reason, Rejection, streamOf, volume as volumeRules, type ExistingVolume, type Volume, type VolumeCommand, type VolumeNeed, volumesIn } from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** A replica's volumes as their streams say, for one decision. */
export interface LookedVolumes {
  readonly needs: readonly VolumeNeed[];
  readonly read: readonly { readonly volume: ExistingVolume; readonly revision: bigint }[];
  /** Why it can be placed nowhere: one of them is gone. Null where all are there. */
  readonly refusal: Reason | null;
}

/** What a replica's placement has to do with its volumes: it looks where they are, and binds them to its node before it claims that. */
export class ReplicaVolumes {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
    private readonly index: LogIndex,
  ) {}

  async look({ volumes }: PresentReplica): Promise<LookedVolumes> {
    const ids = volumesIn(volumes);
    const loaded = await Promise.all(ids.map((id) => this.ports.aggregates.load(volumeRules, streamOf('volume', id))));
    const read = loaded.flatMap(({ state, revision }) => (isThere(state) && revision !== null ? [{ volume: state, revision }] : []));
    const lost = (volumes ?? []).find((mount) => mount.type === 'volume' && !read.some(({ volume }) => volume.volumeId === mount.volumeId));
    const refusal = lost?.type === 'volume' ? { code: 'volume_deleted', message: `the volume ${lost.name}, which it mounts, was deleted: take it out, or name another one` } : null;
    return { needs: read.map(({ volume }) => this.needOf(volume)), read, refusal };
  }

  /** The node that an attempt was bound to and that was never claimed: whoever was about to, ended in between. Its node's own word on
   *  the claim is what frees the volume again. Null too where another of its volumes is elsewhere: then it is bound in vain. */
  boundBefore(replica: PresentReplica, { read }: LookedVolumes): NodeId | null {
    const nodeId = read.find(({ volume }) => isBoundFor(replica, volume))?.volume.binding?.nodeId ?? null;
    return read.some(({ volume: { binding } }) => binding && binding.nodeId !== nodeId) ? null : nodeId;
  }

  /** The node that a volume was bound to for an attempt that can't be made any more: another one was bound elsewhere meanwhile, for somebody else. Null:
   *  there is none. Streams that are read one after the other may show what never was at once, and whoever has bound them may be just about to claim: so the
   *  attempt has to be claimed, and its end is what frees the volume. */
  boundInVain(replica: PresentReplica, { read }: LookedVolumes): NodeId | null {
    const nodes = new Set(read.flatMap(({ volume: { binding } }) => binding?.nodeId ?? []));
    const inVain = nodes.size > 1 ? read.find(({ volume }) => isBoundFor(replica, volume)) : undefined;
    return inVain?.volume.binding?.nodeId ?? null;
  }

  /** Every volume is on the node, and used by the replica's owner, when this is through. @throws Conflict where one has moved since it was
   *  looked at, or is another's meanwhile */
  async bind(replica: PresentReplica, nodeId: NodeId, reason: Reason, { read }: LookedVolumes): Promise<void> {
    for (const { volume, revision } of read) {
      const { replicaId, owner, attempts } = replica;
      let expected = revision;
      if (!volume.users.has(owner.id)) expected = await this.send(replica, volume, { type: 'BeginVolumeUse', data: { user: owner } }, expected);
      const bound = volume.binding;
      if (bound?.nodeId === nodeId && bound.provisioned) continue;
      await this.send(replica, volume, { type: 'BindVolume', data: { nodeId, replicaId, attempt: attempts + 1, reason } }, expected);
    }
  }

  private async send(replica: PresentReplica, { volumeId, projectId }: ExistingVolume, command: VolumeCommand, expected: bigint): Promise<bigint> {
    // Another scheduler may have chosen another node meanwhile: that is no repetition.
    const where = command.type === 'BindVolume' ? command.data.nodeId : 'any';
    const commandId = commandIdOf(command.type, volumeId, replica.replicaId, String(replica.attempts + 1), String(expected), where);
    const metadata = causedBy(this.index.causeOf(replica.replicaId), commandId, projectId, this.ports.clock.now());
    try {
      return (await this.ports.aggregates.handle(volumeRules, streamOf('volume', volumeId), command, metadata, { expected })).revision;
    } catch (error) {
      if (error instanceof Rejection) throw new Conflict(streamOf('volume', volumeId), expected, null);
      throw error;
    }
  }

  private needOf(volume: ExistingVolume): VolumeNeed {
    const { name, backend, binding } = volume;
    const nodeId = binding?.nodeId ?? null;
    return { name, backend, nodeId, clearedFrom: clearedFrom(volume), ...(nodeId === null ? {} : { nodeName: this.nodeName(nodeId) }) };
  }

  private nodeName(nodeId: NodeId): string {
    const node = this.index.nodes.get(nodeId);
    const name = node?.facts?.name ?? nodeId;
    return node?.status === 'removed' ? `${name}, which was removed` : name;
  }
}

/** For its next attempt, which claims that node or none. */
const isBoundFor = ({ replicaId, attempts }: PresentReplica, { binding }: ExistingVolume): boolean => binding !== null && !binding.provisioned && binding.awaitedBy.get(replicaId) === attempts + 1;

const isThere = (volume: Volume): volume is ExistingVolume => volume.status === 'present' && volume.lifecycle === 'ACTIVE';
