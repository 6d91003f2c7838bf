import type { Actor, CommandMetadata, PLATFORM, ProjectId } from '#domain';

/** The event that made a reconciler look: what it does then says so. */
export interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
}

const SCHEDULER: Actor = { type: 'system', id: 'scheduler' };

/** Metadata of a command that nobody asked for by hand.
 *  @param commandId derived from what the command is about, so that two schedulers do it once
 *  @param cause null where the event isn't known any more (a resync after a start): the command begins its own chain */
export const causedBy = (cause: Cause | null, commandId: string, tenantId: ProjectId | typeof PLATFORM, now: number): CommandMetadata => ({
  commandId,
  tenantId,
  actor: SCHEDULER,
  originId: null,
  now,
  correlationId: cause?.correlationId ?? commandId,
  causationId: cause?.eventId ?? null,
});
