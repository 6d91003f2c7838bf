import { observedOf, type ServiceReading } from '#application';
import { dockerService, type ExistingDockerService, type HeldReplica, heldRoom, type Holding, isEnded, isOver, isWithin, NO_AMOUNTS, type QuotaAmounts, sameAmounts, settledRoom, streamOf } from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import { WriteRoom } from './write-room.ts';

/** How long room may wait for the change that it was reserved for: far longer than any request goes on trying. */
const ORPHANED_AFTER_MS = 60_000;

const LOOK_AGAIN_MS = 1_000;

/** Brings what a service holds of its project's quota to what it needs as it stands: what ended is given back when its node has released it, what was
 *  never reserved (it was made before there were quotas) is counted, and what was reserved for a change that never came is freed, after the
 *  service's stream has made sure that it can't come. */
export class SettleService {
  /** By holder and command, by this process's own clock: another's may be ahead. */
  private readonly firstSeen = new Map<string, number>();
  private readonly rooms: WriteRoom;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    index: LogIndex,
  ) {
    this.rooms = new WriteRoom(ports, index);
  }

  /** @returns when to look again though nothing happens; null: no need to */
  async settle(reading: ServiceReading): Promise<number | null> {
    const { dockerServiceId, projectId, lifecycle } = reading.service;
    const { quotas, revision } = await this.rooms.heard(projectId);
    if (revision === null) return null;
    const holding = quotas.holdings.get(dockerServiceId);
    if (lifecycle === 'DELETED') {
      if (holding) await this.rooms.release(projectId, dockerServiceId, revision);
      return null;
    }
    const at = Number(reading.serviceRevision) + 1;
    const amounts = settledRoom(reading.service, holding ? heldRoom(holding) : NO_AMOUNTS, heldOf(reading));
    const open = openRoom(holding, at, amounts);
    if (holding ? !sameAmounts(heldRoom(holding), open.held) : !sameAmounts(amounts, NO_AMOUNTS)) {
      await this.rooms.settle(projectId, { holder: dockerServiceId, countsFor: dockerServiceId, at, amounts, isFound: !holding }, revision);
      // It may have been deleted, and all released, since it was read.
      if (!holding) return LOOK_AGAIN_MS;
    }
    return this.voidOrphans(reading, open.excess);
  }

  /** Commands that could still be written, but whose requests must have given up long ago. */
  private async voidOrphans({ service, serviceRevision }: ServiceReading, commandIds: readonly string[]): Promise<number | null> {
    const now = this.ports.clock.monotonic();
    const keys = new Set(commandIds.map((commandId) => keyOf(service, commandId)));
    for (const key of this.firstSeen.keys()) if (key.startsWith(`${service.dockerServiceId}|`) && !keys.has(key)) this.firstSeen.delete(key);
    const waits = commandIds.map((commandId) => {
      const key = keyOf(service, commandId);
      const since = this.firstSeen.get(key) ?? now;
      this.firstSeen.set(key, since);
      return since + ORPHANED_AFTER_MS - now;
    });
    const due = commandIds.find((_, index) => waits[index]! <= 0);
    if (due) await this.void(service, serviceRevision, due);
    return waits.length ? Math.max(LOOK_AGAIN_MS, Math.min(...waits)) : null;
  }

  /** From now on the stream is at another revision than that command was decided at. */
  private async void({ dockerServiceId, projectId }: ExistingDockerService, revision: bigint, commandId: string): Promise<void> {
    const metadata = this.rooms.metadata(dockerServiceId, projectId, commandIdOf('void-change', dockerServiceId, commandId));
    try {
      await this.ports.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), { type: 'VoidChange', data: { commandId } }, metadata, { expected: revision });
      this.ports.logger.warn('room of a change that never came is given back', { docker_service_id: dockerServiceId, command_id: commandId });
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

const keyOf = ({ dockerServiceId }: ExistingDockerService, commandId: string): string => `${dockerServiceId}|${commandId}`;

/** What would be held once this is settled, and the commands that hold more than it needs. */
function openRoom(holding: Holding | undefined, at: number, amounts: QuotaAmounts): { readonly held: QuotaAmounts; readonly excess: readonly string[] } {
  const pending = [...(holding?.pending ?? [])].filter(([, room]) => room.at >= at);
  const held = heldRoom({ countsFor: null, at, settled: amounts, pending: new Map(pending) });
  return { held, excess: pending.filter(([, room]) => !isWithin(room.amounts, amounts)).map(([commandId]) => commandId) };
}

/** What may run, as rollouts count it, and what nodes haven't released: as long as a node holds a replica's room, the quota does. */
function heldOf({ replicas, deployment }: ServiceReading): { readonly running: readonly HeldReplica[]; readonly lingering: readonly HeldReplica[] } {
  const ordered = deployment?.status === 'opened' ? deployment.orders.replicas : new Map();
  const lingering = replicas.flatMap((each) => {
    const seen = observedOf(each);
    const { stopped, ...order } = each.order;
    return isOver(seen) ? [] : [{ seen, held: { ...order, isStopped: stopped !== null, isNew: ordered.has(order.replicaId) } }];
  });
  return { lingering: lingering.map(({ held }) => held), running: lingering.filter(({ seen }) => !isEnded(seen) && !seen.final).map(({ held }) => held) };
}
