import type { JobOutcome, Observation, Reason, ReplicaEvent } from '#domain';

/** How an attempt ended. */
export interface AttemptEnd {
  readonly outcome: JobOutcome;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: Reason;
}

/** The end that this event of the attempt's replica is; null when it isn't one. The first one in the stream counts: what
 *  comes after it (its container is removed) says nothing of the job. */
export function endIn(event: ReplicaEvent): AttemptEnd | null {
  if (event.type === 'ReplicaAbandoned') return { outcome: 'FAILED', exitCode: null, oomKilled: false, reason: event.data.reason };
  return event.type === 'ReplicaObserved' && event.data.final ? endOf(event.data) : null;
}

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
