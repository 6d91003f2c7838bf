/** SQLITE_BUSY, SQLITE_LOCKED: https://www.sqlite.org/rescode.html */
const BUSY: ReadonlySet<number> = new Set([5, 6]);

/** The primary code of an SQLite error, which is the low byte of its extended ones; null for any other error. Told by its fields: it
 *  may come from another realm, where `instanceof Error` doesn't hold. */
export function primaryCode(error: unknown): number | null {
  const { errcode } = (error ?? {}) as { readonly errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : null;
}

/** @returns whether another connection held the lock: the same try may work a moment later. */
export const isBusy = (error: unknown): boolean => BUSY.has(primaryCode(error) ?? 0);
