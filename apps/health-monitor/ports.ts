import type { Bus, Clock, Logger, Random } from '#contracts';
import { PLATFORM, type CommandMetadata, type NodeId, type ProjectId } from '#domain';
import type { AggregateStore, EventStore } from '#event-store';

/** All that the monitor touches, passed in: so that it also runs in one process with the rest, under virtual time. */
export interface MonitorPorts {
  readonly aggregates: AggregateStore;
  readonly store: EventStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Metadata of what the monitor records: it begins its own chain, since what an agent saw was caused by no command.
 *  @param commandId derived from what is recorded, so that two monitors record it once */
export const monitorMetadata = (commandId: string, tenantId: ProjectId | typeof PLATFORM, now: number): CommandMetadata => ({
  commandId,
  tenantId,
  actor: { type: 'system', id: 'health-monitor' },
  originId: null,
  now,
  correlationId: commandId,
  causationId: null,
});

/** `waybill.node.<id>.report` → the id: what the broker's permissions vouch for, unlike the payload. */
export const nodeOfSubject = (subject: string): NodeId => subject.split('.')[2] as NodeId;
