import {
  freeRoom, parseStream, portsTaken, RUN_STATES,
  type DockerService, type Node, type NodeId, type Observation, type Owner, type ReplicaId, type Step,
} from '#domain';
import type { Recorded } from '#event-store';
import { DEPENDENCY_LAWS } from './dependency-laws.ts';
import { DEPLOYMENT_LAWS } from './deployment-laws.ts';
import { HEALTH_LAWS } from './health-laws.ts';
import { HOOK_LAWS } from './hook-laws.ts';
import { JOB_LAWS } from './job-laws.ts';
import { QUOTA_LAWS } from './quota-laws.ts';
import type { Ledger } from './ledger.ts';
import { NAME_LAWS } from './name-laws.ts';
import type { Truths } from './truths.ts';
import { VALUE_LAWS } from './value-laws.ts';
import { VOLUME_LAWS } from './volume-laws.ts';

/** A law of the log: what must hold of each event as it is written, by all that was written before (`ledger` lacks the event yet)
 *  and by what has really happened to containers. @returns what is wrong, in a sentence. */
type Law = (event: Recorded, ledger: Ledger, truths: Truths) => string | null;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- data of any event, as it stands in the log
type Data = any;

/** All that is wrong with an event, and the law that it breaks. */
export function breachesOf(event: Recorded, ledger: Ledger, truths: Truths, once: Set<string>): { law: string; what: string }[] {
  const found = Object.entries(LAWS).flatMap(([law, check]) => {
    const what = check(event, ledger, truths);
    return what === null ? [] : [{ law, what }];
  });
  const keys = onceKeys(event);
  for (const key of keys) if (once.has(key)) found.push({ law: 'nothing is done twice', what: key });
  for (const key of keys) once.add(key);
  return found;
}

const LAWS: Readonly<Record<string, Law>> = {
  // While a service goes, another word about its volumes is another request.
  'nobody is tried in vain for ever': ({ type, stream, data }) => (type === 'PlacementClaimed' && (data as Data).attempt > 500 ? `${stream} claims a node for the ${(data as Data).attempt}th time` : null),

  'a deletion is asked for once': ({ type, stream, data }, ledger) => {
    const service = ledger.services.get(parseStream(stream).id);
    if (type !== 'DockerServiceDeletionRequested' || service?.status !== 'present') return null;
    const isAgain = service.lifecycle === 'DELETED' || (service.lifecycle === 'DELETING' && ((data as Data).volumes === 'delete') === service.takesVolumes);
    return isAgain ? `${stream} was to go already` : null;
  },

  'one claim at a time': ({ type, data }, ledger) => {
    if (type !== 'PlacementClaimed') return null;
    const replica = ledger.replicas.get((data as Data).replicaId);
    return replica?.status === 'present' && (replica.claim || replica.placement) ? `${(data as Data).replicaId} claims again while its claim is open` : null;
  },

  'a slot is placed again only after the one before is gone': ({ type, data, stream }, ledger) => {
    if (type !== 'ReplicaPlaced') return null;
    const { replicaId, owner, slot } = data as Data;
    const there = [...ledger.nodes].flatMap(([nodeId, { entries, status }]) =>
      status === 'removed' ? [] : [...entries.values()].filter(({ placement }) => placement.slot === slot && placement.owner.id === (owner as Owner).id && !isGone(ledger, placement.replicaId)).map(({ placement }) => ({ nodeId, replicaId: placement.replicaId })),
    );
    const standing = ledger.ordersOf((owner as Owner).id);
    // A deployment may fill a slot beside one replica that is to stay until the new one does; the older may be placed after the newer.
    const origins = [{ replicaId }, ...there].flatMap((each) => ledger.rolls.origins.get(each.replicaId) ?? []);
    const ofRoll = origins.sort((a, b) => b.order.generation - a.order.generation)[0]?.deploymentId != null;
    const inTheWay = there.filter((each) => each.replicaId === replicaId || !ofRoll);
    const staying = there.filter((each) => each.replicaId !== replicaId && standing.get(each.replicaId)?.stopped === null && !isFinal(ledger, each.replicaId));
    // One that is to go again was claimed before that: its placement is late.
    const isToStay = standing.get(replicaId)?.stopped == null;
    const [first] = inTheWay.length > 0 ? inTheWay : isToStay && staying.length > 1 ? staying : [];
    return first ? `slot ${slot} of ${(owner as Owner).id}: ${replicaId} was placed on ${stream} while ${first.replicaId} is on ${first.nodeId}` : null;
  },

  'states only go forward': ({ type, data }, ledger) => {
    if (type !== 'ReplicaObserved') return null;
    const { replicaId, run, state } = data as Observation;
    const replica = ledger.replicas.get(replicaId);
    const last = replica?.status === 'present' ? replica.last : null;
    if (!last) return null;
    const back = last.state === 'GONE' || run < last.run || (run === last.run && RUN_STATES.indexOf(state) < RUN_STATES.indexOf(last.state));
    return back ? `${replicaId} went from run ${last.run} ${last.state} to run ${run} ${state}` : null;
  },

  'room is given back only on the word that it is free': ({ type, data, stream }, ledger) => {
    if (type !== 'ReplicaReleased') return null;
    const { replicaId } = data as Data;
    const removed = ledger.nodes.get(parseStream(stream).id as NodeId)?.status === 'removed';
    return removed || isGone(ledger, replicaId) ? null : `${replicaId} was released while nobody has seen it gone`;
  },

  'a step is what the service asks for as it is taken': ({ type, stream, data }, ledger) => {
    if (type !== 'ServiceStepTaken') return null;
    return unasked(ledger.services.get(parseStream(stream).id), data as Step, ledger);
  },

  'what is said to run has run': ({ type, data }, ledger, truths) => {
    if (type !== 'ReplicaObserved') return null;
    const { replicaId, state } = data as Observation;
    const truth = truths.of(replicaId);
    if (state === 'RUNNING' && truth.starts === 0) return `${replicaId} is said to run, and was never started`;
    if (state === 'SETTLED' && truth.longestRunMs < settleMs(ledger, replicaId)) return `${replicaId} is said to have stayed up, and did for ${truth.longestRunMs} ms at most`;
    if (state === 'COMPLETED' && !truth.exits.includes(0)) return `${replicaId} is said to have completed, and exited with [${truth.exits}]`;
    return null;
  },

  ...HEALTH_LAWS,
  ...JOB_LAWS,
  ...QUOTA_LAWS,
  ...DEPLOYMENT_LAWS,
  ...DEPENDENCY_LAWS,
  ...HOOK_LAWS,
  ...NAME_LAWS,
  ...VOLUME_LAWS,
  ...VALUE_LAWS,
};

/** What must hold of a node after each event of its stream. */
export function nodeBreaches(stream: string, type: string, ledger: Ledger): { law: string; what: string }[] {
  if (type !== 'ReplicaPlaced') return [];
  const node = ledger.nodes.get(parseStream(stream).id as NodeId)!;
  const free = freeRoom(node);
  const full = free.cpuMillis < 0 || free.memoryBytes < 0;
  const shared = [...portsTaken(node)].filter(([, holders]) => !isRow(node, holders));
  return [
    ...(full ? [{ law: 'no node is promised beyond its capacity', what: `${stream} lacks ${-free.cpuMillis} millicores, ${-free.memoryBytes} bytes` }] : []),
    ...shared.map(([port, holders]) => ({ law: 'no port is promised twice', what: `${stream}: ${port} to ${holders.join(' and ')}` })),
  ];
}

/** Each but the first takes over from another one, and no two from the same. */
function isRow({ entries }: Node, holders: readonly ReplicaId[]): boolean {
  const before = holders.map((replicaId) => entries.get(replicaId)!.placement.replaces);
  return before.filter((each) => each === null || !holders.includes(each)).length <= 1 && new Set(before).size === before.length;
}

const isGone = (ledger: Ledger, replicaId: ReplicaId): boolean => {
  const replica = ledger.replicas.get(replicaId);
  return replica?.status === 'present' && replica.last?.state === 'GONE';
};

const isFinal = (ledger: Ledger, replicaId: ReplicaId): boolean => {
  const replica = ledger.replicas.get(replicaId);
  return replica?.status === 'present' && replica.last?.final === true;
};

function unasked(service: DockerService | undefined, step: Step, ledger: Ledger): string | null {
  if (service?.status !== 'present') return 'a step of no service';
  const wanted = service.lifecycle === 'ACTIVE' && !service.halted && service.stableRelease !== null ? service.replicas : 0;
  for (const { slot, replicaId } of step.creates) {
    if (slot > wanted) return `${replicaId} was ordered for slot ${slot} where ${wanted} are wanted`;
    const filled = [...service.orders.replicas.values()].find((order) => order.slot === slot && !isGone(ledger, order.replicaId) && ledger.replicas.get(order.replicaId)?.status !== 'abandoned');
    if (filled) return `${replicaId} was ordered for slot ${slot}, which ${filled.replicaId} fills`;
  }
  for (const { replicaId, reason } of step.stops) {
    const order = service.orders.replicas.get(replicaId);
    if (order && order.slot <= wanted && !STEP_REASONS.has(reason.code)) return `${replicaId} in slot ${order.slot} was stopped (${reason.code}) where ${wanted} are wanted`;
  }
  return null;
}

/** Why a replica of a wanted slot may give way, while no deployment moves its service. */
const STEP_REASONS = new Set(['superseded', 'other_release', 'replica_failed']);

function settleMs(ledger: Ledger, replicaId: ReplicaId): number {
  const replica = ledger.replicas.get(replicaId);
  const service = replica?.status === 'present' ? ledger.services.get(replica.owner.id) : undefined;
  return service?.status === 'present' ? service.deploy.minHealthyMs : 0;
}

/** Of each of these, one and no more: the key tells one from another. */
const ONCE: Readonly<Record<string, (data: Data) => unknown[]>> = {
  DockerServiceCreated: () => [],
  DockerServiceDeleted: () => [],
  DeploymentStarted: ({ deploymentId }) => [deploymentId],
  DeploymentOpened: () => [],
  DeploymentStageBegan: ({ stage }) => [stage],
  DeploymentStageEnded: ({ stage }) => [stage],
  DeploymentClosed: () => [],
  DeploymentEnded: ({ deploymentId }) => [deploymentId],
  DeploymentReplicaFailed: ({ replicaId }) => [replicaId],
  ReplicaCreated: () => [],
  ReplicaAbandoned: () => [],
  PlacementClaimed: ({ attempt }) => [attempt],
  PlacementSettled: ({ attempt }) => [attempt],
  ReplicaObserved: ({ run, state, final, reason, subnet, health, healthChange }) => [run, state, final, reason?.code, subnet, health, healthChange],
  ObservationRefused: ({ run, state }) => [run, state],
  ReplicaPlaced: ({ replicaId }) => [replicaId],
  ReplicaReleased: ({ replicaId }) => [replicaId],
  JobCreated: () => [],
  JobAttemptStarted: ({ attempt }) => [attempt],
  JobAttemptFailed: ({ attempt }) => [attempt],
  JobCancelRequested: () => [],
  JobEnded: () => [],
  ScheduleCreated: () => [],
  ScheduleFired: ({ minute }) => [minute],
  ScheduleSkipped: ({ minute }) => [minute],
  ScheduleDeleted: () => [],
  VolumeCreated: () => [],
  VolumeDeletionRequested: () => [],
  VolumeDeleted: () => [],
  SecretCreated: () => [],
  SecretVersionAdded: ({ version }) => [version],
  SecretDeleted: () => [],
  ConfigCreated: () => [],
  ConfigVersionAdded: ({ version }) => [version],
  ConfigDeleted: () => [],
  ResourceCreated: () => [],
  ResourceChanged: ({ version }) => [version],
  ResourceDeleted: () => [],
  NetworkCreated: () => [],
  NetworkDeleted: () => [],
  ReservationVoided: () => [],
  ProjectReservationVoided: () => [],
  VolumeReservationVoided: () => [],
  NetworkReservationVoided: () => [],
  SecretReservationVoided: () => [],
  ConfigReservationVoided: () => [],
  ResourceReservationVoided: () => [],
  JobReservationVoided: () => [],
};

function onceKeys({ stream, type, data }: Recorded): string[] {
  const key = ONCE[type]?.(data);
  const keys = key ? [JSON.stringify([stream, type, ...key])] : [];
  const { owner, slot, generation } = data as Data;
  if (type === 'ReplicaCreated') keys.push(JSON.stringify([type, owner.id, 'slot and generation', slot, generation]));
  return keys;
}
