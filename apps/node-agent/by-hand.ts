import type { ContainerState, Intervention } from '#docker';

/** Signals that tell a process something else than to end: reread your files (1), user-defined (10, 12), the window has changed (28). */
const NO_END: ReadonlySet<number> = new Set([1, 10, 12, 28]);

const KILL = 9;

/** One that got a signal to end this long before its end ended for it. `docker stop` says so itself, however long it took. */
const HEEDS_MS = 30_000;

/** `docker restart` starts it again at once, and the engine says only a moment after an end that it was stopped. */
const MOMENT_MS = 1_000;

/** Whether an end was somebody's will, as far as the engine can say: it remembers its last 256 events, and none from before it was
 *  started itself. `unclear`: too early to say.
 *  @param interventions since the run's start
 *  @param now milliseconds since the epoch */
export function wasStoppedByHand({ finishedAt }: Pick<ContainerState, 'finishedAt'>, interventions: readonly Intervention[], now: number): boolean | 'unclear' {
  const toEnd = interventions.filter(({ signal }) => signal === null || !NO_END.has(signal));
  if (toEnd.length === 0 || finishedAt === null) return false;
  const end = Date.parse(finishedAt);
  if (Math.abs(now - end) < MOMENT_MS) return 'unclear';
  return toEnd.some(({ signal, at }) => signal === null || signal === KILL || Math.abs(end - Date.parse(at)) < HEEDS_MS);
}
