import { voidReserved, type Reserved } from '#application';
import { dockerService, job as jobRules, type Job, jobRoom, project as projectRules, type ProjectId, streamOf, volume as volumeRules, volumeRoom } from '#domain';
import { commandIdOf } from '#platform';
import type { LogIndex } from '../log-index.ts';
import { hasLeft } from '../nodes/has-left.ts';
import type { SchedulerPorts } from '../ports.ts';
import { WriteRoom } from './write-room.ts';

/** How long room may wait for the job that it was reserved for. */
const ORPHANED_AFTER_MS = 60_000;

const NEVER_CAME = { code: 'never_came', message: 'it reserved room, and nothing followed for a minute' } as const;

/** Jobs and volumes as holders of room. A job's is given back when it has ended and its container is gone; a volume's goes with its name. What was
 *  made before there were quotas is counted. What is left of a service that never came, by a log that was put back to the middle of an append, is given
 *  back, too. */
export class SettleHolders {
  /** By this process's own clock. */
  private readonly firstSeen = new Map<string, number>();
  private readonly rooms: WriteRoom;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {
    this.rooms = new WriteRoom(ports, index);
  }

  /** One look at a holder. Repeating it changes nothing. */
  async reconcile(holder: string): Promise<void | { againInMs: number }> {
    const projectId = this.index.holders.projectOf(holder);
    if (!projectId) return;
    const leftMs = await this.settle(projectId, holder);
    if (leftMs !== null) return { againInMs: leftMs };
    this.firstSeen.delete(holder);
  }

  private settle(projectId: ProjectId, holder: string): Promise<number | null> {
    if (holder.startsWith('job_')) return this.settleJob(projectId, holder);
    return holder.startsWith('vol_') ? this.settleVolume(projectId, holder) : this.releaseVoided(projectId, holder);
  }

  /** Its room goes with its name, where that is still held; as long as it is there, its own settlement has the word. */
  private async releaseVoided(projectId: ProjectId, holder: string): Promise<number | null> {
    const { state: service } = await this.ports.aggregates.load(dockerService, streamOf('docker_service', holder));
    const { quotas, revision } = await this.rooms.read(projectId);
    if (!quotas.holdings.has(holder)) return null;
    if (service.status === 'voided') await this.rooms.release(projectId, holder, revision);
    return service.status === 'absent' ? this.awaitNamed(projectId, holder) : null;
  }

  /** Room of a service or volume whose name is free already, by a log that was put back to the middle of an append. What may still be written under a
   *  name is looked after with that name. */
  private async awaitNamed(projectId: ProjectId, holder: string): Promise<number | null> {
    const { state: project } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    if ([...project.claims.values()].some((claim) => claim.holder === holder)) return null;
    const commandId = project.quotas.holdings.get(holder)?.pending.keys().next().value ?? holder;
    const leftMs = this.leftToWait(holder);
    if (leftMs > 0) return leftMs;
    await this.void({ kind: holder.startsWith('vol_') ? 'volume' : 'docker_service', id: holder }, projectId, commandId);
    return 1_000;
  }

  private async settleJob(projectId: ProjectId, holder: string): Promise<number | null> {
    const { state: job, revision: at } = await this.ports.aggregates.load(jobRules, streamOf('job', holder));
    const { quotas, revision } = await this.rooms.read(projectId);
    const isHeld = quotas.holdings.has(holder);
    if (job.status === 'absent') return isHeld ? this.awaitJob(projectId, holder, quotas.holdings.get(holder)!.pending.keys().next().value ?? holder) : null;
    if (job.status === 'open') {
      // A hook's room is its deployment's. The job-runner asks for that of a job before its first attempt.
      const isFound = !isHeld && job.current !== null && !isHook(job);
      if (isFound) await this.rooms.settle(projectId, { holder, countsFor: null, at: Number(at) + 1, amounts: jobRoom(job.definition.spec), isFound }, revision);
      return null;
    }
    if (job.status === 'ended' && job.current && !(await hasLeft(this.ports.aggregates, job.current.replicaId))) return null;
    if (isHeld) await this.rooms.release(projectId, holder, revision);
    else this.index.holders.forget(holder);
    return null;
  }

  /** Room without its job: a request that died in between, or that is just about to write it. */
  private async awaitJob(projectId: ProjectId, holder: string, commandId: string): Promise<number | null> {
    const leftMs = this.leftToWait(holder);
    if (leftMs > 0) return leftMs;
    await this.void({ kind: 'job', id: holder }, projectId, commandId);
    return 1_000;
  }

  private leftToWait(holder: string): number {
    const now = this.ports.clock.monotonic();
    const since = this.firstSeen.get(holder) ?? now;
    this.firstSeen.set(holder, since);
    return since + ORPHANED_AFTER_MS - now;
  }

  /** Silent where it was written, meanwhile. */
  private async void(reserved: Reserved, projectId: ProjectId, commandId: string): Promise<void> {
    const { id: holder } = reserved;
    const isVoided = await voidReserved(this.ports.aggregates, reserved, { commandId, name: '', reason: NEVER_CAME }, this.rooms.metadata(holder, projectId, commandIdOf('void', holder)));
    if (isVoided) this.ports.logger.warn('room of what never came is given back', { holder });
  }

  private async settleVolume(projectId: ProjectId, holder: string): Promise<number | null> {
    const { state: volume, revision: at } = await this.ports.aggregates.load(volumeRules, streamOf('volume', holder));
    const { quotas, revision } = await this.rooms.read(projectId);
    const isHeld = quotas.holdings.has(holder);
    if (volume.status === 'absent' || at === null) return isHeld ? this.awaitNamed(projectId, holder) : null;
    if (volume.status === 'voided') {
      if (isHeld) await this.rooms.release(projectId, holder, revision);
      return null;
    }
    if (volume.lifecycle === 'DELETED' && isHeld) await this.rooms.release(projectId, holder, revision);
    else if (volume.lifecycle === 'DELETED') this.index.holders.forget(holder);
    else if (!isHeld && volume.sizeBytes) await this.rooms.settle(projectId, { holder, countsFor: volume.madeFor, at: Number(at) + 1, amounts: volumeRoom(volume.sizeBytes), isFound: true }, revision);
    return null;
  }
}

const isHook = ({ definition: { trigger } }: Extract<Job, { status: 'open' }>): boolean => trigger.type === 'pre_deploy' || trigger.type === 'post_deploy';
