import type { Reason } from './reason.ts';
import { Rejection } from './rejection.ts';

/** To what a name, or room of a quota, was reserved for, and that didn't follow in time, or was refused: it never will be written from now on.
 *  `name` is empty where only room was reserved. Sent at the beginning of its stream, or not at all; a retry changes nothing. */
export interface VoidReservation {
  readonly type: 'VoidReservation';
  readonly data: { readonly commandId: string; readonly name: string; readonly reason: Reason };
}

/** The word on its stream. @throws Rejection `reservation.in_use` where it was written after all */
export function voidOnce<E>({ status }: { readonly status: string }, word: E): readonly E[] {
  if (status === 'voided') return [];
  if (status !== 'absent') throw new Rejection('conflict', 'reservation.in_use', 'it was created: what was reserved for it stays so');
  return [word];
}

/** What a request hears of which the reservation was voided. `reason`: where it is known; those who were voided first didn't say. */
export function tooLate(reserved: 'name' | 'room', reason?: Reason): Rejection {
  const why = reason ? `an earlier try of this request was given up (${reason.message})` : `the request came too late for its reserved ${reserved}`;
  return new Rejection('conflict', 'reservation.voided', `${why}: send it again as a new one`, reason ? { reason: reason.code } : {});
}

/** A stream on which the thing itself isn't: not yet, or `voided`, never. */
export type Unwritten = { readonly status: 'absent' } | { readonly status: 'voided'; readonly reason?: Reason };

export const isUnwritten = <S extends { readonly status: string }>(thing: S): thing is Extract<S, Unwritten> => thing.status === 'absent' || thing.status === 'voided';
