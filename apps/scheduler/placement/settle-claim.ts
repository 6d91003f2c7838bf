import {
  type Node,
  type NodeEvent,
  type Placement,
  type PresentReplica,
  type Reason,
  type Replica,
  node,
  replica as replicaRules,
  settlementOf,
  streamOf,
} from '#domain';
import { eventIdOf, type Handled } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy, type Cause } from '../cause.ts';
import type { SchedulerPorts } from '../ports.ts';

/** The node's word on one attempt. */
interface Settlement {
  readonly outcome: 'placed' | 'refused' | 'revoked';
  readonly reason: Reason;
  readonly eventId: string;
}

/** What stands once a claim is settled; `revision` is the replica's. */
export interface Settled {
  readonly replica: Replica;
  readonly revision: bigint;
  readonly node: Node;
}

/** Gets the node's word on a replica's open claim and copies it to the replica's stream. Whoever sees an open claim may do
 *  this, any number of times: the attempt names the command, so the word that comes first stands for all.
 *  @param revoke why it isn't wanted any more; null to place it, unless it was claimed in vain
 *  @returns the replica as it stands then, and its node as it was left; null where no claim is open */
export async function settleClaim(
  ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
  replica: PresentReplica,
  cause: Cause | null,
  revoke: Reason | null,
): Promise<Settled | null> {
  const { claim, replicaId, projectId } = replica;
  if (!claim) return null;
  const { attempt, nodeId } = claim;
  const why = revoke ?? claim.inVain;
  const now = ports.clock.now();
  const stream = streamOf('node', nodeId);
  const settle = commandIdOf('settle', replicaId, String(attempt));
  const placement = placementOf(replica, attempt);
  const command = why ? ({ type: 'RevokePlacement', data: { ...placement, reason: why } } as const) : ({ type: 'PlaceReplica', data: placement } as const);
  const handled = await ports.aggregates.handle(node, stream, command, causedBy(cause, settle, projectId, now));

  const settlement = settlementIn(handled, placement, eventIdOf(settle, stream, 0));
  const copied = await ports.aggregates.handle(
    replicaRules,
    streamOf('replica', replicaId),
    { type: 'CopySettlement', data: { attempt, nodeId, ...settlement } },
    causedBy({ eventId: settlement.eventId, correlationId: cause?.correlationId ?? settle }, commandIdOf('copy', replicaId, String(attempt)), projectId, now),
  );
  return { replica: copied.state, revision: copied.revision, node: handled.state };
}

/** What a node has to know of an attempt. */
export function placementOf(replica: PresentReplica, attempt: number): Placement {
  const { replicaId, owner, projectId, environmentId, slot, generation, release, request, ports, replaces } = replica;
  return { replicaId, owner, projectId, environmentId, slot, generation, attempt, release, request, ports, replaces };
}

function settlementIn(handled: Handled<typeof node.initial>, placement: Placement, eventId: string): Settlement {
  const event = handled.events[0] as unknown as NodeEvent | undefined;
  if (event?.type === 'ReplicaPlaced') return { outcome: 'placed', reason: { code: 'placed', message: 'the node took it' }, eventId };
  if (event?.type === 'PlacementRefused') return { outcome: 'refused', reason: event.data.reason, eventId };
  if (event?.type === 'PlacementRevoked') return { outcome: 'revoked', reason: event.data.reason, eventId };
  const stands = settlementOf(handled.state, placement);
  if (stands) return { outcome: stands.outcome, reason: stands.reason, eventId };
  // Only where another attempt of the slot was settled since, which can't be while this claim is open.
  throw new Error(`attempt ${placement.attempt} of ${placement.replicaId} was passed over on its node`);
}
