import { loadHeld } from '#application';
import { dockerService, type NameClaim, network as networkRules, project as projectRules, resource as resourceRules, streamOf, volume as volumeRules, type PLATFORM, type ProjectId } from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** How long a claimed name may wait for its thing: far longer than any request goes on trying. Those of which the streams
 *  can't be voided wait longer still: nothing but time keeps a late write from coming. */
const ORPHANED_AFTER_MS = { docker_service: 60_000, volume: 60_000, network: 60_000, project: 600_000, secret: 600_000, config: 600_000, resource: 600_000 } as const;

/** The project whose stream a name is claimed on, or the platform. */
type ClaimedOn = ProjectId | typeof PLATFORM;

/** Gives back the names of what was deleted, or was claimed for and never written. A service that was never written is voided
 *  first, by `ReservationVoided` at the beginning of its stream: a late write of it then fails. */
export class FreeOrphans {
  /** By this process's own clock: another's may be ahead. */
  private readonly firstSeen = new Map<string, number>();

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at the holder of a name. Repeating it changes nothing. */
  async reconcile(holder: string): Promise<void | { againInMs: number }> {
    const on = this.index.claims.get(holder)?.projectId as ClaimedOn | undefined;
    const claim = on && (await this.standingClaim(on, holder));
    const bearer = claim ? await this.bearerOf(claim) : 'there';
    if (on && claim && bearer === 'over') await releaseName(this.ports, this.index, on, claim);
    if (on && claim && bearer === 'absent') {
      const leftMs = this.leftToWait(claim);
      if (leftMs > 0) return { againInMs: leftMs };
      if (await this.void(on, claim)) await this.free(on, claim);
    }
    this.firstSeen.delete(holder);
  }

  private async standingClaim(on: ClaimedOn, holder: string): Promise<NameClaim | undefined> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', on));
    return [...state.claims.values()].find((claim) => claim.holder === holder);
  }

  private async bearerOf({ scope, holder }: NameClaim): Promise<'there' | 'over' | 'absent'> {
    const status = await this.statusOf(scope, holder);
    return status === 'absent' ? 'absent' : status === 'present' ? 'there' : 'over';
  }

  private async statusOf(scope: NameClaim['scope'], holder: string): Promise<'absent' | 'present' | 'deleted' | 'voided'> {
    const { aggregates } = this.ports;
    switch (scope) {
      case 'project':
        return (await aggregates.load(projectRules, streamOf('project', holder))).state.status;
      case 'network':
        return (await aggregates.load(networkRules, streamOf('network', holder))).state.status;
      case 'resource':
        return (await aggregates.load(resourceRules, streamOf('resource', holder))).state.status;
      case 'secret':
      case 'config':
        return (await loadHeld(aggregates, holder)).status;
      case 'volume':
        return statusIn((await aggregates.load(volumeRules, streamOf('volume', holder))).state);
      case 'docker_service':
        return statusIn((await aggregates.load(dockerService, streamOf('docker_service', holder))).state);
    }
  }

  private leftToWait({ holder, scope }: NameClaim): number {
    const now = this.ports.clock.monotonic();
    const since = this.firstSeen.get(holder) ?? now;
    this.firstSeen.set(holder, since);
    return since + ORPHANED_AFTER_MS[scope] - now;
  }

  /** @returns false where the thing was written after all */
  private async void(on: ClaimedOn, { scope, holder, commandId, name }: NameClaim): Promise<boolean> {
    const metadata = causedBy(this.index.causeOf(on), commandIdOf('void', holder), on, this.ports.clock.now());
    try {
      const data = { commandId, name };
      if (scope === 'volume') await this.ports.aggregates.handle(volumeRules, streamOf('volume', holder), { type: 'VoidVolumeReservation', data }, metadata, { expected: null });
      if (scope === 'network') await this.ports.aggregates.handle(networkRules, streamOf('network', holder), { type: 'VoidNetworkReservation', data }, metadata, { expected: null });
      if (scope === 'docker_service') await this.ports.aggregates.handle(dockerService, streamOf('docker_service', holder), { type: 'VoidReservation', data }, metadata, { expected: null });
      return true;
    } catch (error) {
      if (error instanceof Conflict) return false;
      throw error;
    }
  }

  private async free(on: ClaimedOn, claim: NameClaim): Promise<void> {
    await releaseName(this.ports, this.index, on, claim);
    this.ports.logger.warn('orphaned name freed', { scope: claim.scope, name: claim.name, holder: claim.holder });
  }
}

/** The last step of a deletion: the name can be taken again. Silent when that was done. */
export async function releaseName(
  ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
  index: LogIndex,
  on: ClaimedOn,
  { scope, environmentId, name, holder }: Pick<NameClaim, 'scope' | 'environmentId' | 'name' | 'holder'>,
): Promise<void> {
  const metadata = causedBy(index.causeOf(holder) ?? index.causeOf(on), commandIdOf('release-name', holder), on, ports.clock.now());
  await ports.aggregates.handle(projectRules, streamOf('project', on), { type: 'ReleaseName', data: { scope, environmentId, name, holder } }, metadata);
}

/** What goes over several steps is gone at the last one. */
const statusIn = (state: { readonly status: 'absent' | 'voided' } | { readonly status: 'present'; readonly lifecycle: string }): 'absent' | 'present' | 'deleted' | 'voided' =>
  state.status === 'present' && state.lifecycle === 'DELETED' ? 'deleted' : state.status;
