import type { Reason } from '../kernel/reason.ts';
import type { Observation, ReplicaEvent } from '../replica/events.ts';
import type { Ending, JobOutcome } from './events.ts';

/** How an attempt ended, and what that makes of the job. */
export interface AttemptEnd extends Ending {
  readonly outcome: JobOutcome;
}

/** The end that this event of the attempt's replica is; null when it isn't one. The first one in the stream counts: what
 *  comes after it (its container is removed) says nothing of the job. */
export function endIn(event: ReplicaEvent): AttemptEnd | null {
  if (event.type === 'ReplicaAbandoned') return failed(event.data.reason);
  return event.type === 'ReplicaObserved' && event.data.final ? endOf(event.data) : null;
}

/** A failure without any word of a container. */
export const failed = (reason: Reason): AttemptEnd => ({ outcome: 'FAILED', exitCode: null, oomKilled: false, reason });

function endOf({ state, exitCode, oomKilled, reason }: Observation): AttemptEnd {
  if (state === 'GONE') return { outcome: 'FAILED', exitCode: null, oomKilled, reason: lost(reason) };
  if (reason?.code === 'timeout') return { outcome: 'TIMEOUT', exitCode, oomKilled, reason };
  if (state === 'COMPLETED' && exitCode === 0) return { outcome: 'SUCCEEDED', exitCode, oomKilled, reason: reason ?? exited(exitCode) };
  return { outcome: 'FAILED', exitCode, oomKilled, reason: reason ?? exited(exitCode) };
}

const lost = (reason: Reason | null): Reason => ({
  code: 'container_lost',
  message: reason ? `its container is gone, and how it ended is unknown: ${reason.message}` : 'its container is gone, and how it ended is unknown',
});

const exited = (exitCode: number | null): Reason => ({
  code: 'exited',
  message: exitCode === null ? 'it ended, with which exit code nobody knows' : `it ended with exit code ${exitCode}`,
});
