import type { Healthcheck, Observation, ReplicaId } from '#domain';
import type { Recorded } from '#event-store';
import { BEGINNING } from '../house/timeline.ts';
import type { Ledger } from './ledger.ts';
import type { Truths } from './truths.ts';

/** An agent that stood still may say what it saw before. Milliseconds. */
const STOOD_STILL_MS = 150_000;
/** An answer may be on its way to it. */
const ON_ITS_WAY_MS = 1_000;

/** What may be said of a replica's health; `ledger` lacks the event yet. */
export const HEALTH_LAWS = {
  'what is said to be well has said so itself': ({ type, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    if (type !== 'ReplicaObserved') return null;
    const { replicaId, state, health, at } = data as Observation;
    const check = checkOf(ledger, replicaId);
    if (!check || health !== 'healthy' || (state !== 'RUNNING' && state !== 'SETTLED')) return null;
    const said = Date.parse(at) - BEGINNING;
    return wasWell(truths, replicaId, said) ? null : `${replicaId} is said to be well, and had not said so for long by then (${said} ms)`;
  },

  'what is said to have stayed well has': ({ type, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    if (type !== 'ReplicaObserved' || (data as Observation).state !== 'SETTLED') return null;
    const { replicaId } = data as Observation;
    const leastMs = checkOf(ledger, replicaId) ? minHealthyMs(ledger, replicaId) : 0;
    const { longestWellMs } = truths.of(replicaId);
    return longestWellMs >= leastMs ? null : `${replicaId} is said to have stayed well, and has for ${longestWellMs} ms at most`;
  },
};

/** How a replica is asked whether it is well; null: it isn't, or it is of a job. */
export function checkOf(ledger: Ledger, replicaId: ReplicaId): Healthcheck | null {
  const replica = ledger.replicas.get(replicaId);
  const service = replica?.status === 'present' ? ledger.services.get(replica.owner.id) : undefined;
  if (replica?.status !== 'present' || service?.status !== 'present' || replica.release === null) return null;
  return service.releases.get(replica.release)?.healthcheck ?? null;
}

function wasWell(truths: Truths, replicaId: ReplicaId, at: number): boolean {
  const wells = truths.containersOf(replicaId).flatMap((container) => container.wells);
  return wells.some(({ since, until, ended }) => since <= at && (until === null || at <= until + (ended ? STOOD_STILL_MS : ON_ITS_WAY_MS)));
}

function minHealthyMs(ledger: Ledger, replicaId: ReplicaId): number {
  const replica = ledger.replicas.get(replicaId);
  const service = replica?.status === 'present' ? ledger.services.get(replica.owner.id) : undefined;
  return service?.status === 'present' ? service.deploy.minHealthyMs : 0;
}
