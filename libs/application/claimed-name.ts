import { claimKey, Rejection, tooLate, type CommandMetadata, type DockerServiceId, type NameClaim, type QuotaAmounts } from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { commandIdOf } from '#platform';
import { ToProject } from './aggregate-command.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { refusal, unwritten, voidReserved } from './reserved.ts';

/** A name to be claimed on a stream of projects before the thing that bears it is written. */
export interface Claim extends Omit<NameClaim, 'commandId'> {
  /** What the thing will need of the project's quota, and by which service's it is counted: reserved with the name. */
  readonly room?: { readonly amounts: QuotaAmounts; readonly countsFor: DockerServiceId | null };
  /** Whose stream the name is unique in: a project's id, or `platform`. */
  readonly on: string;
}

/** Claims the name, then writes the thing, under the same command. A refusal of the second releases the name at once; a crash between the
 *  two leaves a claim that the scheduler frees after a minute. Either way the thing can't be written under this command any more: another
 *  try of it may be between the two. A retry of the same command goes through both again and finds what it wrote.
 *  @throws Rejection `name.taken`, `quota.exceeded`, `reservation.voided`, and what `write` throws. */
export async function withClaimedName<S>(
  { dispatcher, aggregates }: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore },
  { on, room, ...claim }: Claim,
  metadata: CommandMetadata,
  write: () => Promise<Handled<S>>,
): Promise<Handled<S>> {
  const { commandId } = metadata;
  const { holder, name } = claim;
  const bearer = { kind: claim.scope, id: holder };
  const claimed = await dispatcher.send(new ToProject(on, { type: 'ClaimName', data: { ...claim, commandId, room } }, metadata));
  // A late retry: the name went with the thing's deletion, or was taken back from a request that never came to its end.
  const lost = claimed.state.claims.get(claimKey(claim))?.holder === holder ? null : await unwritten(aggregates, bearer);
  if (lost) throw tooLate('name', lost.status === 'voided' ? lost.reason : undefined);
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof Rejection) || !(await unwritten(aggregates, bearer))) throw error;
    const isVoided = await voidReserved(aggregates, bearer, { commandId, name, reason: refusal(error) }, followUp(metadata, commandIdOf('void', holder)));
    // Another try has just written it.
    if (!isVoided) return write();
    // Silent where the name is held by another, or by nobody.
    await dispatcher.send(new ToProject(on, { type: 'ReleaseName', data: claim }, followUp(metadata, commandIdOf('release-name', holder, commandId))));
    throw error;
  }
}
