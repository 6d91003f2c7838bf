import {
  config, dockerService, isUnwritten, job, network, project, resource, secret, streamOf, volume,
  type CommandMetadata, type Decider, type DomainEvent, type Reason, type Rejection, type Unwritten, type VoidReservation,
} from '#domain';
import { Conflict, type AggregateStore } from '#event-store';

const RULES = { project, docker_service: dockerService, volume, network, secret, config, resource, job } as const;

/** What a name, or room of a quota, is reserved for before it is written on its own stream. */
export interface Reserved {
  readonly kind: keyof typeof RULES;
  readonly id: string;
}

/** Of a stream, all that tells whether something stands there. */
type Standing = Unwritten | { readonly status: 'present' | 'deleted' | 'open' | 'ended'; readonly lifecycle?: string };

const rulesOf = ({ kind }: Reserved) => RULES[kind] as unknown as Decider<Standing, VoidReservation, DomainEvent>;

const load = async (aggregates: AggregateStore, reserved: Reserved): Promise<Standing> => (await aggregates.load(rulesOf(reserved), streamOf(reserved.kind, reserved.id))).state;

/** What has become of it. What goes over several steps is `over` at the last one; `voided`: it was never written, and never will be. */
export async function fateOf(aggregates: AggregateStore, reserved: Reserved): Promise<'absent' | 'voided' | 'present' | 'over'> {
  const state = await load(aggregates, reserved);
  if (isUnwritten(state)) return state.status;
  return state.status === 'deleted' || state.status === 'ended' || state.lifecycle === 'DELETED' ? 'over' : 'present';
}

/** Why it isn't there: not yet, or never; null once it was written, whatever has become of it. */
export async function unwritten(aggregates: AggregateStore, reserved: Reserved): Promise<Unwritten | null> {
  const state = await load(aggregates, reserved);
  return isUnwritten(state) ? state : null;
}

/** Sees to it that it never will be written, so that what was reserved for it can be given back: a late write of it conflicts. Asked again, it
 *  changes nothing. @returns false where it was written */
export async function voidReserved(aggregates: AggregateStore, reserved: Reserved, data: VoidReservation['data'], metadata: CommandMetadata): Promise<boolean> {
  try {
    await aggregates.handle(rulesOf(reserved), streamOf(reserved.kind, reserved.id), { type: 'VoidReservation', data }, metadata, { expected: null });
    return true;
  } catch (error) {
    if (error instanceof Conflict) return (await unwritten(aggregates, reserved)) !== null;
    throw error;
  }
}

/** Why the rest of a request isn't written. */
export const refusal = ({ code, detail }: Rejection): Reason => ({ code, message: detail });
