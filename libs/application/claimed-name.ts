import { claimKey, Rejection, type CommandMetadata, type DockerServiceId, type NameClaim, type QuotaAmounts } from '#domain';
import { Conflict, type Handled } from '#event-store';
import { commandIdOf } from '#platform';
import { ToProject } from './aggregate-command.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';

/** A name to be claimed on a stream of projects before the thing that bears it is written. */
export interface Claim extends Omit<NameClaim, 'commandId'> {
  /** What the thing will need of the project's quota, and by which service's it is counted: reserved with the name. */
  readonly room?: { readonly amounts: QuotaAmounts; readonly countsFor: DockerServiceId | null };
  /** Whose stream the name is unique in: a project's id, or `platform`. */
  readonly on: string;
}

/** How the thing that bears the name is written, under the same command. */
export interface Named<S> {
  /** Whether it was ever written: a stream that says it never will be doesn't count. */
  exists(): Promise<boolean>;
  /** Sees to it that it never will be, under a command of its own; left out where its stream can't say so. @throws Conflict where its stream has begun */
  void?(metadata: CommandMetadata): Promise<unknown>;
  write(): Promise<Handled<S>>;
}

/** Claims the name, then writes the thing. A refusal of the second releases the name at once; a crash between the two leaves a
 *  claim that the scheduler frees after a minute. Either way the thing can't be written under this command any more: another try
 *  of it may be between the two. A retry of the same command goes through both again and finds what it wrote.
 *  @throws Rejection `name.taken`, `quota.exceeded`, `reservation.voided`, and what `write` throws. */
export async function withClaimedName<S>(dispatcher: Dispatcher, { on, room, ...claim }: Claim, metadata: CommandMetadata, thing: Named<S>): Promise<Handled<S>> {
  const { commandId } = metadata;
  const claimed = await dispatcher.send(new ToProject(on, { type: 'ClaimName', data: { ...claim, commandId, room } }, metadata));
  const held = claimed.state.claims.get(claimKey(claim))?.holder === claim.holder;
  // A late retry: the name went with the thing's deletion, or was taken back from a request that never came to its end.
  if (!held && !(await thing.exists())) {
    throw new Rejection('conflict', 'reservation.voided', 'the request came too late for its reserved name: send it again as a new one');
  }
  try {
    return await thing.write();
  } catch (error) {
    if (!(error instanceof Rejection) || (await thing.exists())) throw error;
    if (await isWritten(thing, claim.holder, metadata)) return thing.write();
    await release(dispatcher, on, claim, metadata);
    throw error;
  }
}

/** Whether another try has written it; from now on none can, else. */
async function isWritten<S>(thing: Named<S>, holder: string, metadata: CommandMetadata): Promise<boolean> {
  try {
    await thing.void?.(followUp(metadata, commandIdOf('void', holder)));
    return false;
  } catch (error) {
    if (error instanceof Conflict) return thing.exists();
    throw error;
  }
}

/** Silent where the name is held by another, or by nobody. */
async function release(dispatcher: Dispatcher, on: string, claim: Omit<NameClaim, 'commandId'>, metadata: CommandMetadata): Promise<void> {
  const taking = followUp(metadata, commandIdOf('release-name', claim.holder, metadata.commandId));
  await dispatcher.send(new ToProject(on, { type: 'ReleaseName', data: claim }, taking));
}
