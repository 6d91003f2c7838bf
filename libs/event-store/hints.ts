import { type Bus, subjects } from '#contracts';
import type { Position, Wake } from './port.ts';

/** Wakes this process's followers by the hints of others, and after a reconnection, since some may have been missed before it. */
export const wokenByHints =
  (bus: Bus): Wake =>
  (callback) => {
    const ends = [bus.subscribe(subjects.allHints, callback), bus.onConnect(callback)];
    return () => ends.forEach((end) => end());
  };

/** Wakes whoever follows the log elsewhere. Appends that were answered in the same breath, since they went to the disk together, are
 *  told of together: the furthest of each tenant. A hint that gets lost costs them a poll. */
export const hintingOn = (bus: Bus): ((tenantId: string, position: Position) => void) => {
  const untold = new Map<string, Position>();
  const tell = (): void => {
    for (const [tenantId, position] of untold) bus.publish(subjects.hint(tenantId), { position });
    untold.clear();
  };
  return (tenantId, position) => {
    if (untold.size === 0) queueMicrotask(() => queueMicrotask(tell));
    if (position > (untold.get(tenantId) ?? '')) untold.set(tenantId, position);
  };
};
