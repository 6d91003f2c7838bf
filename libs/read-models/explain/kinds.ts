import type { NodeId } from '#domain';
import type { Recorded } from '#event-store';
import type { Of } from '../view.ts';

/** What an event means for whom it is told of. `moved`: placed on another node than the replica of its slot before. */
export const KINDS = ['pending', 'placed', 'moved', 'refused', 'restarted', 'unhealthy', 'failed', 'lost', 'rolled_back', 'drained', 'unreachable', 'removed', 'unbound'] as const;
export type Kind = (typeof KINDS)[number];

/** The kind of each event that has one, by its id. @param events in the order of the log */
export function kindsOf(events: readonly Recorded[]): ReadonlyMap<string, Kind> {
  const slots = new Slots();
  return new Map(events.flatMap((event) => {
    const kind = kindOf(event, slots);
    return kind ? [[event.id, kind] as const] : [];
  }));
}

/** Where the replicas of a slot were, and how far each had come. */
class Slots {
  readonly #slots = new Map<string, string>();
  readonly #nodes = new Map<string, NodeId>();
  readonly #runs = new Map<string, number>();

  created({ replicaId, owner, slot }: Of<'ReplicaCreated'>['data']): void {
    this.#slots.set(replicaId, `${owner.id}|${slot}`);
  }

  /** @returns where the slot's replica before was, if that was elsewhere */
  placed({ replicaId, nodeId }: Of<'PlacementSettled'>['data']): boolean {
    const slot = this.#slots.get(replicaId) ?? replicaId;
    const before = this.#nodes.get(slot);
    this.#nodes.set(slot, nodeId);
    return before !== undefined && before !== nodeId;
  }

  /** @returns whether it is a later run's first word */
  seen({ replicaId, run }: Of<'ReplicaObserved'>['data']): boolean {
    const before = this.#runs.get(replicaId);
    this.#runs.set(replicaId, run);
    return before !== undefined && run > before;
  }
}

const LOST: ReadonlySet<string> = new Set(['node_removed', 'container_lost']);

function kindOf(event: Recorded, slots: Slots): Kind | null {
  switch (event.type) {
    case 'ReplicaCreated':
      slots.created((event as Of<'ReplicaCreated'>).data);
      return null;
    case 'PlacementSettled':
      return settled((event as Of<'PlacementSettled'>).data, slots);
    case 'ReplicaObserved':
      return observed((event as Of<'ReplicaObserved'>).data, slots);
    case 'DeploymentStageBegan':
      return (event as Of<'DeploymentStageBegan'>).data.stage === 'return' ? 'rolled_back' : null;
    case 'JobEnded':
      return (event as Of<'JobEnded'>).data.outcome === 'SUCCEEDED' || (event as Of<'JobEnded'>).data.outcome === 'CANCELLED' ? null : 'failed';
    case 'DeploymentClosed':
    case 'DeploymentEnded':
      return OUTCOMES[(event as Of<'DeploymentEnded'>).data.outcome] ?? null;
    default:
      return ALWAYS[event.type] ?? null;
  }
}

const OUTCOMES: Readonly<Record<string, Kind>> = { ROLLED_BACK: 'rolled_back', FAILED: 'failed' };

const ALWAYS: Readonly<Record<string, Kind>> = {
  PlacementDeferred: 'pending',
  PlacementRefused: 'refused',
  ObservationRefused: 'refused',
  DeploymentReplicaFailed: 'failed',
  JobAttemptFailed: 'failed',
  NodeDrained: 'drained',
  NodeUnreachable: 'unreachable',
  NodeRemoved: 'removed',
  VolumeUnbound: 'unbound',
  VolumeLost: 'lost',
};

function settled(data: Of<'PlacementSettled'>['data'], slots: Slots): Kind | null {
  if (data.outcome !== 'placed') return data.outcome === 'refused' ? 'refused' : null;
  return slots.placed(data) ? 'moved' : 'placed';
}

function observed(data: Of<'ReplicaObserved'>['data'], slots: Slots): Kind | null {
  const isNextRun = slots.seen(data);
  if (data.state === 'GONE') return data.reason && LOST.has(data.reason.code) ? 'lost' : null;
  if (data.state === 'FAILED') return 'failed';
  if (data.health === 'unhealthy') return 'unhealthy';
  return isNextRun ? 'restarted' : null;
}
