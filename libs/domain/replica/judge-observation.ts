import type { NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { type Health, type Observation, RUN_STATES } from './events.ts';
import { observationKey, type PresentReplica, REMEMBERED_RUNS, type Replica } from './replica.ts';

/** `new`: to be recorded; `known`: stands in the log already; refused for good, with the reason. */
export type ObservationVerdict = 'new' | 'known' | { readonly refused: Reason };

/** Judges what a node says of a replica against what stands: within a run it only moves forward, a later run is forward, GONE is the end.
 *  Only the node that holds the settled placement is heard. */
export function judgeObservation(replica: Replica, nodeId: NodeId, told: Observation): ObservationVerdict {
  const observation = withKnownHealth(replica, told);
  if (!Number.isInteger(observation.run) || observation.run < 1) return refused('invalid_run', `runs count from 1, not ${observation.run}`);
  if (replica.status !== 'present' || replica.placement?.nodeId !== nodeId) return refused('not_placed_here', 'this node does not hold it');
  const { last } = replica;
  if (!last) return 'new';
  // Of whatever run: an agent that lost its folder goes on from an earlier one than its former life, whose last words may come late.
  if (observation.state === 'GONE') return last.state === 'GONE' ? 'known' : 'new';
  if (isKnown(replica, last, told)) return 'known';
  if (last.state === 'GONE') return refused('gone', `its container was gone at run ${last.run}, for good`);
  if (observation.run !== last.run) return observation.run > last.run ? 'new' : refused('older_run', `run ${last.run} had begun`);
  return movesForward(last, observation) ? 'new' : refused('went_backwards', `run ${last.run} was ${last.state} before`);
}

/** What runs and is told without its health has the one that is known of this run: an agent that lost its folder speaks of it before it has asked, and an
 *  unknown health stands for what has no check. */
export function withKnownHealth(replica: Replica, observation: Observation): Observation {
  const last = replica.status === 'present' ? replica.last : null;
  if (!isUp(observation) || observation.health !== 'unknown' || last?.run !== observation.run || last.health === 'unknown') return observation;
  const healthChange = Math.max(changesOf(observation), changesOf(last));
  return { ...observation, health: last.health, ...(healthChange > 0 ? { healthChange } : {}) };
}

/** Judged by (run, state); the same state is news when its reason or the subnet in it is another, when its health has changed since,
 *  or when it has become final. Health goes there and back, so its changes are counted. */
function isKnown({ seen }: PresentReplica, last: Observation, observation: Observation): boolean {
  if (observation.run <= last.run - REMEMBERED_RUNS) return true;
  if (observation.run === last.run && observation.state === last.state && changesOf(observation) > changesOf(last)) return false;
  const becameFinal = observation.run === last.run && observation.state === last.state && observation.final && !last.final;
  return !becameFinal && saidBy(observation).some((word) => seen.get(observation.run)?.has(word) ?? false);
}

/** What says as much: without its health it is known by whatever health it was seen with. */
const saidBy = (observation: Observation): readonly string[] =>
  (isUp(observation) && observation.health === 'unknown' ? HEALTHS : [observation.health]).map((health) => observationKey({ ...observation, health }));

const HEALTHS: readonly Health[] = ['unknown', 'starting', 'healthy', 'unhealthy'];

const isUp = ({ state }: Observation): boolean => state === 'RUNNING' || state === 'SETTLED';

/** Nothing but GONE follows a run that ended for good: the word that made it final stands, with its reason. */
function movesForward(last: Observation, next: Observation): boolean {
  if (last.final) return false;
  if (next.state === last.state) return changesOf(next) >= changesOf(last);
  return RUN_STATES.indexOf(next.state) > RUN_STATES.indexOf(last.state);
}

const changesOf = ({ healthChange = 0 }: Observation): number => healthChange;

const refused = (code: string, message: string): ObservationVerdict => ({ refused: { code, message } });
