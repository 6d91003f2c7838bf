import { dockerService, type DockerServiceId, type NameClaim, project as projectRules, streamOf, type PLATFORM, type ProjectId } from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** How long a claimed name may wait for its thing: far longer than any request goes on trying. */
const ORPHANED_AFTER_MS = 60_000;

/** Gives back the names of services that were deleted, or claimed for one that was never written: then a late write of it has
 *  to fail first, by `ReservationVoided` at the beginning of its stream. */
export class FreeOrphans {
  /** By this process's own clock: another's may be ahead. */
  private readonly firstSeen = new Map<string, number>();

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at the holder of a name. Repeating it changes nothing. */
  async reconcile(holder: string): Promise<void | { againInMs: number }> {
    const entry = this.index.claims.get(holder);
    if (!entry) return this.settled(holder);
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', entry.projectId));
    const claim = [...state.claims.values()].find((held) => held.holder === holder);
    if (!claim || claim.scope !== 'docker_service') return this.settled(holder);
    return this.reconcileService(holder as DockerServiceId, claim, entry.projectId as ProjectId);
  }

  private async reconcileService(dockerServiceId: DockerServiceId, claim: NameClaim, projectId: ProjectId): Promise<void | { againInMs: number }> {
    const { state } = await this.ports.aggregates.load(dockerService, streamOf('docker_service', dockerServiceId));
    const free = state.status === 'voided' || (state.status === 'present' && state.lifecycle === 'DELETED');
    if (!free && state.status === 'present') return this.settled(dockerServiceId);
    if (!free) {
      const leftMs = this.leftToWait(dockerServiceId);
      if (leftMs > 0) return { againInMs: leftMs };
      if (!(await this.void(dockerServiceId, claim, projectId))) return this.settled(dockerServiceId);
    }
    await releaseName(this.ports, this.index, projectId, claim);
    this.settled(dockerServiceId);
  }

  private leftToWait(holder: string): number {
    const now = this.ports.clock.monotonic();
    const since = this.firstSeen.get(holder) ?? now;
    this.firstSeen.set(holder, since);
    return since + ORPHANED_AFTER_MS - now;
  }

  /** @returns false where the service was written after all */
  private async void(dockerServiceId: DockerServiceId, { commandId, name }: NameClaim, projectId: ProjectId): Promise<boolean> {
    const metadata = causedBy(this.index.causeOf(projectId), commandIdOf('void', dockerServiceId), projectId, this.ports.clock.now());
    try {
      await this.ports.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), { type: 'VoidReservation', data: { commandId, name } }, metadata, { expected: null });
    } catch (error) {
      if (error instanceof Conflict) return false;
      throw error;
    }
    this.ports.logger.warn('reserved name voided', { docker_service_id: dockerServiceId, name });
    return true;
  }

  private settled(holder: string): void {
    this.firstSeen.delete(holder);
  }
}

/** The last step of a deletion: the name can be taken again. Silent when that was done. */
export async function releaseName(
  ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
  index: LogIndex,
  projectId: ProjectId | typeof PLATFORM,
  { scope, environmentId, name, holder }: Pick<NameClaim, 'scope' | 'environmentId' | 'name' | 'holder'>,
): Promise<void> {
  const metadata = causedBy(index.causeOf(holder), commandIdOf('release-name', holder), projectId, ports.clock.now());
  await ports.aggregates.handle(projectRules, streamOf('project', projectId), { type: 'ReleaseName', data: { scope, environmentId, name, holder } }, metadata);
}
