import { setTimeout as pause } from 'node:timers/promises';

/** How often in so many milliseconds a timer of 5 ms came to its turn: never while something blocks the process. To be set against what the same machine did a moment before. */
export async function turnsIn(ms: number): Promise<number> {
  let turns = 0;
  for (const end = performance.now() + ms; performance.now() < end; turns += 1) await pause(5);
  return turns;
}
