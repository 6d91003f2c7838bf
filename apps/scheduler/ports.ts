import type { Bus, Clock, Logger, Random } from '#contracts';
import type { AggregateStore, EventStore } from '#event-store';
import type { Vault } from '#secrets';

/** All that the scheduler touches, passed in: so that it also runs in one process with the rest, under virtual time. */
export interface SchedulerPorts {
  readonly aggregates: AggregateStore;
  readonly store: EventStore;
  /** What agents are given values from. */
  readonly vault: Vault;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told how long each reconciliation took. */
  readonly onReconciled?: (queue: string, ms: number, failed: boolean) => void;
}
