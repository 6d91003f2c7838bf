import type { Bus, Clock, Logger, Random } from '#contracts';
import type { CommandMetadata, ProjectId } from '#domain';
import type { AggregateStore, EventStore } from '#event-store';

/** All that the job-runner touches, passed in: so that it also runs in one process with the rest, under virtual time. */
export interface JobRunnerPorts {
  readonly aggregates: AggregateStore;
  readonly store: EventStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told how long each reconciliation took. */
  readonly onReconciled?: (queue: string, ms: number, failed: boolean) => void;
}

/** The event that made the runner look: what it does then says so. */
export interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
}

/** @param commandId derived from what the command is about, so that two job-runners do it once
 *  @param cause null where the event isn't known any more: the command begins its own chain */
export const causedBy = (cause: Cause | null, commandId: string, tenantId: ProjectId, now: number): CommandMetadata => ({
  commandId,
  tenantId,
  actor: { type: 'system', id: 'job-runner' },
  originId: null,
  now,
  correlationId: cause?.correlationId ?? commandId,
  causationId: cause?.eventId ?? null,
});
