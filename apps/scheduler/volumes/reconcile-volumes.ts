import {
  type DockerService, dockerService, type ExistingDockerService, type ExistingVolume, isGone, job as jobRules, node as nodeRules, type Owner, type Reason, replica as replicaRules, type Replica, type ReplicaId,
  streamOf, volume as volumeRules, type VolumeCommand, type VolumeId, volumesIn, workingRelease,
} from '#domain';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import { hasLeft } from '../nodes/has-left.ts';
import type { SchedulerPorts } from '../ports.ts';

/** How long a use may stand for a service or a job that doesn't say so yet: far longer than any request goes on trying. */
const UNCONFIRMED_AFTER_MS = 60_000;

/** Keeps what volumes say of others true: ends the use of whoever is gone or mounts it no more, frees one from a node that never made it,
 *  and, with its service or on request, lets it go. */
export class ReconcileVolumes {
  /** Uses that nothing confirms, by this process's own clock. */
  private readonly firstSeen = new Map<string, number>();

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at a volume. Repeating it changes nothing. */
  async reconcile(volumeId: VolumeId): Promise<void | { againInMs: number }> {
    const { state, revision } = await this.ports.aggregates.load(volumeRules, streamOf('volume', volumeId));
    if (state.status !== 'present' || state.lifecycle === 'DELETED' || revision === null) return;
    const volume = { ...state, revision };
    await this.loseWithNodes(volume);
    await this.endAwaits(volume);
    if (state.lifecycle === 'DELETING' && state.binding === null) await this.send(volume, { type: 'FinishVolumeDeletion', data: {} }, ['finish']);
    const waits: number[] = [];
    for (const user of state.users.values()) waits.push(...(await this.lookAtUse(volume, user)));
    return waits.length === 0 ? undefined : { againInMs: Math.min(...waits) };
  }

  private async loseWithNodes(volume: ReadVolume): Promise<void> {
    for (const nodeId of new Set([...(volume.binding ? [volume.binding.nodeId] : []), ...volume.leftOn])) {
      const { state } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
      const name = state.facts?.name ?? nodeId;
      const reason: Reason = { code: 'node_removed', message: `its node ${name} was removed, with all that was on it` };
      if (state.status === 'removed') await this.send(volume, { type: 'LoseVolume', data: { nodeId, reason } }, ['lose', nodeId]);
    }
  }

  /** Silent for an attempt that isn't the replica's latest any more: before it tries again it says so on the volume. */
  private async endAwaits(volume: ReadVolume): Promise<void> {
    const awaits = [...(volume.binding?.awaitedBy ?? [])];
    for (const [replicaId, attempt] of awaits) {
      const reason = await this.whyNotAwaited(replicaId, attempt);
      if (!reason) continue;
      await this.send(volume, { type: 'EndVolumeAwait', data: { replicaId, attempt, reason } }, ['end-await', replicaId, String(attempt)]);
    }
  }

  /** Null: it may still come to run there, or has. */
  private async whyNotAwaited(replicaId: ReplicaId, attempt: number): Promise<Reason | null> {
    const { state } = await this.ports.aggregates.load(replicaRules, streamOf('replica', replicaId));
    if (state.status === 'absent') return null;
    if (state.status === 'abandoned') return state.reason;
    if (state.settled?.attempt === attempt && state.settled.outcome !== 'placed') return state.settled.reason;
    // Whoever bound it stood still in between.
    if (attempt < state.attempts) return { code: 'attempt_over', message: `its attempt ${attempt} came to nothing, and another one was made` };
    if (state.placement?.attempt === attempt && isGone(state) && !everHadContainer(state)) return state.last!.reason ?? { code: 'gone', message: 'it went before it had its container' };
    return null;
  }

  /** @returns when to look again, where nothing that changes may be heard of */
  private async lookAtUse(volume: ReadVolume, user: Owner): Promise<readonly number[]> {
    const use = await this.standingOf(volume, user);
    const key = `${volume.volumeId}|${user.id}`;
    if (use.stands === 'yes') this.firstSeen.delete(key);
    if (use.stands === 'yes') return [];
    if (use.stands === 'unconfirmed') {
      const now = this.ports.clock.monotonic();
      const since = this.firstSeen.get(key) ?? now;
      this.firstSeen.set(key, since);
      if (since + UNCONFIRMED_AFTER_MS > now) return [since + UNCONFIRMED_AFTER_MS - now];
    }
    this.firstSeen.delete(key);
    const { reason, thenDelete } = use;
    await this.send(volume, { type: 'EndVolumeUse', data: { user, reason, thenDelete } }, ['end-use', user.id]);
    return [];
  }

  private async standingOf(volume: ExistingVolume, user: Owner): Promise<Use> {
    if (user.type === 'docker_service') return this.useOfService(volume, user.id);
    // An ephemeral one that outlived its service for the sake of a job goes with that.
    const isLeft = volume.kind === 'ephemeral' && (volume.madeFor === null || !volume.users.has(volume.madeFor));
    return { ...(await this.useOfJob(user.id)), thenDelete: isLeft };
  }

  private async useOfJob(jobId: string): Promise<Use> {
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', jobId));
    if (state.status === 'voided') return { ...NEVER_WRITTEN, stands: 'no' };
    if (state.status === 'absent') return NEVER_WRITTEN;
    const isOver = state.status === 'ended' && (!state.current || (await hasLeft(this.ports.aggregates, state.current.replicaId)));
    return isOver ? { stands: 'no', reason: { code: 'job_ended', message: 'the job has ended' }, thenDelete: false } : STANDS;
  }

  private async useOfService({ volumeId, kind, madeFor, binding, unbound }: ExistingVolume, id: string): Promise<Use> {
    const { state } = await this.ports.aggregates.load(dockerService, streamOf('docker_service', id));
    const goesWithIt = kind === 'ephemeral' && madeFor === id;
    // Made with a service that never came, it was never on a node either.
    const isEmpty = madeFor === id && binding === null && unbound === null;
    if (state.status === 'voided') return { ...NEVER_WRITTEN, stands: 'no', thenDelete: isEmpty };
    if (state.status === 'absent') return { ...NEVER_WRITTEN, thenDelete: isEmpty };
    if (state.lifecycle === 'DELETED') {
      // A change that came to nothing has begun a use, too, and takes nothing along.
      return { stands: 'no', reason: { code: 'docker_service_deleted', message: 'the service was deleted' }, thenDelete: goesWithIt || (state.takesVolumes && (isEmpty || mounts(state, volumeId))) };
    }
    if (goesWithIt || mounts(state, volumeId)) return STANDS;
    return { stands: 'unconfirmed', reason: { code: 'not_mounted', message: 'no release that the service stands on or moves to mounts it any more' }, thenDelete: false };
  }

  private async send({ volumeId, projectId, revision }: ReadVolume, command: VolumeCommand, what: readonly string[]): Promise<void> {
    // The same words at another point of the volume's life are another intent.
    const metadata = causedBy(this.index.causeOf(volumeId), commandIdOf('volume', volumeId, ...what, String(revision)), projectId, this.ports.clock.now());
    await this.ports.aggregates.handle(volumeRules, streamOf('volume', volumeId), command, metadata);
  }
}

/** With the revision of its stream that it was read at. */
type ReadVolume = ExistingVolume & { readonly revision: bigint };

interface Use {
  /** `unconfirmed`: nothing says so yet, or any more. */
  readonly stands: 'yes' | 'no' | 'unconfirmed';
  readonly reason: Reason;
  readonly thenDelete: boolean;
}

const STANDS: Use = { stands: 'yes', reason: { code: 'mounted', message: 'it mounts it' }, thenDelete: false };
const NEVER_WRITTEN: Use = { stands: 'unconfirmed', reason: { code: 'never_written', message: 'whoever was to mount it was never written' }, thenDelete: false };

/** It may have written to its volumes. */
const everHadContainer = (replica: Extract<Replica, { status: 'present' }>): boolean =>
  replica.last?.containerId != null || [...replica.seen.values()].some((states) => [...states].some((state) => /^(PREPARED|STARTING|RUNNING|SETTLED|COMPLETED|STOPPED)/.test(state)));

/** Whether a release that the service stands on, moves to or still has replicas of mounts it; so do hooks that it may yet run, and what
 *  waits for the next deployment. */
function mounts(service: Extract<DockerService, { status: 'present' }>, volumeId: VolumeId): boolean {
  const numbers = [service.stableRelease, ...movesTo(service), ...[...service.orders.replicas.values()].map(({ release }) => release), workingRelease(service)];
  const specs = [...new Set(numbers)].flatMap((number) => (number === null ? [] : (service.releases.get(number) ?? [])));
  const settings = [service.deploy, ...(service.activeDeployment ? [service.activeDeployment.settings] : [])];
  const hooks = settings.flatMap(({ preDeploy, postDeploy }) => [preDeploy?.overrides, postDeploy?.overrides]);
  return [...specs, ...hooks, service.postponed].some((spec) => volumesIn(spec?.volumes).includes(volumeId));
}

const movesTo = ({ activeDeployment, superseded }: ExistingDockerService): readonly (number | null)[] =>
  [...superseded, ...(activeDeployment ? [activeDeployment] : [])].flatMap(({ fromRelease, toRelease }) => [fromRelease, toRelease]);
