import type { OutputCursor } from '#contracts';
import { Rejection } from '#domain';

/** Where a reader of several replicas' output stands: behind which line of each. Replicas are named by (slot, generation), which
 *  is short and unique in their owner. */
export interface LogCursor {
  /** The latest replica that was known when the reading began, by its time of creation: later ones join. */
  readonly knownUntil: string | null;
  readonly places: ReadonlyMap<string, OutputCursor | null>;
}

/** A replica as a cursor names it. */
export const placeKey = ({ slot, generation }: { readonly slot: number; readonly generation: number }): string => `${slot}.${generation}`;

/** `1~<time>~<slot>.<generation>.<segment>.<byte>~…`, all numbers in base 36. */
export const cursorText = (knownUntil: string | null, places: Iterable<string>): string => ['1', base36(knownUntil === null ? 0 : Date.parse(knownUntil)), ...places].join('~');

/** One replica's part of a cursor's text. */
export function placeText(key: string, after: OutputCursor | null): string {
  const numbers = [...key.split('.'), ...(after ?? '0.0').split('.')];
  return numbers.map((number) => base36(Number(number))).join('.');
}

const FORM = /^1~[0-9a-z]{1,11}(~[0-9a-z]{1,6}\.[0-9a-z]{1,6}\.[0-9a-z]{1,7}\.[0-9a-z]{1,7})*$/;

/** @throws Rejection `logs.cursor_invalid` */
export function parseCursor(text: string): LogCursor {
  if (!FORM.test(text)) throw new Rejection('invalid', 'logs.cursor_invalid', 'send the id of a line as this stream gave it, or leave it out', { pointer: '?after' });
  const [, time, ...places] = text.split('~');
  const knownUntil = parseInt(time!, 36);
  return {
    knownUntil: knownUntil === 0 ? null : new Date(knownUntil).toISOString(),
    places: new Map(
      places.map((place) => {
        const [slot, generation, segment, byte] = place.split('.').map((number) => parseInt(number, 36));
        return [placeKey({ slot: slot!, generation: generation! }), segment === 0 ? null : `${segment}.${byte}`];
      }),
    ),
  };
}

const base36 = (number: number): string => number.toString(36);
