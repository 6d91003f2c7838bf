import { fateOf, voidReserved } from '#application';
import { type NameClaim, project as projectRules, streamOf, type PLATFORM, type ProjectId } from '#domain';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { ClaimEntry } from './known-claims.ts';
import type { SchedulerPorts } from '../ports.ts';

/** How long a claimed name may wait for its thing: far longer than any request goes on trying. */
const ORPHANED_AFTER_MS = 60_000;

const NEVER_CAME = { code: 'never_came', message: 'it claimed the name, and nothing followed for a minute' } as const;

/** The project whose stream a name is claimed on, or the platform. */
type ClaimedOn = ProjectId | typeof PLATFORM;

/** Gives back the names of what was deleted, or was claimed for and never written. What was never written is voided first, at the beginning of
 *  its stream: a late write of it then fails. */
export class FreeOrphans {
  /** By this process's own clock: another's may be ahead. */
  private readonly firstSeen = new Map<string, number>();

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at the holder of a name. Repeating it changes nothing. */
  async reconcile(holder: string): Promise<void | { againInMs: number }> {
    const known = this.index.claims.get(holder);
    // Of ten thousand names that are claimed one after the other nearly all are borne a moment later.
    if (!known || this.index.claims.isBorne(holder)) return void this.firstSeen.delete(holder);
    const on = known.projectId as ClaimedOn;
    const claim = await this.standingClaim(on, known);
    const fate = claim ? await fateOf(this.ports.aggregates, { kind: claim.scope, id: holder }) : 'present';
    if (claim && (fate === 'over' || fate === 'voided')) await releaseName(this.ports, this.index, on, claim);
    if (claim && fate === 'absent') {
      const leftMs = this.leftToWait(holder);
      if (leftMs > 0) return { againInMs: leftMs };
      if (await this.void(on, claim)) await this.free(on, claim);
    }
    this.firstSeen.delete(holder);
  }

  private async standingClaim(on: ClaimedOn, { holder, key }: ClaimEntry): Promise<NameClaim | null> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', on));
    const claim = state.claims.get(key);
    return claim?.holder === holder ? claim : null;
  }

  private leftToWait(holder: string): number {
    const now = this.ports.clock.monotonic();
    const since = this.firstSeen.get(holder) ?? now;
    this.firstSeen.set(holder, since);
    return since + ORPHANED_AFTER_MS - now;
  }

  /** @returns false where the thing was written after all */
  private void(on: ClaimedOn, { scope, holder, commandId, name }: NameClaim): Promise<boolean> {
    const metadata = causedBy(this.index.causeOf(on), commandIdOf('void', holder), on, this.ports.clock.now());
    return voidReserved(this.ports.aggregates, { kind: scope, id: holder }, { commandId, name, reason: NEVER_CAME }, metadata);
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
