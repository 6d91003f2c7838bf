import { type Bus, subjects } from '#contracts';
import type { Position, Wake } from './port.ts';

/** Wakes this process's followers by the hints of others, and after a reconnection, since some may have been missed before it. */
export const wokenByHints =
  (bus: Bus): Wake =>
  (callback) => {
    const ends = [bus.subscribe(subjects.allHints, callback), bus.onConnect(callback)];
    return () => ends.forEach((end) => end());
  };

/** Wakes whoever follows the log elsewhere. A hint that gets lost costs them a poll. */
export const hintingOn =
  (bus: Bus) =>
  (tenantId: string, position: Position): void =>
    bus.publish(subjects.hint(tenantId), { position });
