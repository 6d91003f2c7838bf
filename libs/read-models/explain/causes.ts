import type { AnyEvent, DockerServiceEvent, ReplicaId } from '#domain';
import type { Recorded } from '#event-store';
import type { Of } from '../view.ts';
import { newlyFollowed } from './followed.ts';

/** What each event came of, as far as that is among these events, by their ids. What the event itself tells counts first (the node that
 *  was removed, the run that ended before, the replica that failed), since whoever wrote it may have been woken by something else, by
 *  whatever is looked at together with it; with nothing told, the event that its command reacted to.
 *  @param events in the order of the log, of whichever streams */
export function causesOf(events: readonly Recorded[]): ReadonlyMap<string, string> {
  const seen = new Seen();
  const causes = new Map<string, string>();
  for (const event of events) {
    const told = causeOf(event, seen);
    const cause = told === undefined ? seen.byId(event.metadata.causationId) : told;
    if (cause && cause.id !== event.id) causes.set(event.id, cause.id);
    seen.take(event);
  }
  return causes;
}

/** All that stands before an event. */
class Seen {
  readonly #ids = new Map<string, Recorded>();
  readonly #latest = new Map<string, Recorded>();
  readonly #slots = new Map<string, ReplicaId>();

  take(event: Recorded): void {
    this.#ids.set(event.id, event);
    this.#latest.set(`${event.type}|${event.stream}`, event);
    for (const key of keysOf(event as Known, this)) this.#latest.set(key, event);
    if (event.type === 'ReplicaCreated') {
      const { owner, slot, generation, replicaId } = (event as Of<'ReplicaCreated'>).data;
      this.#slots.set(slotKey(owner.id, slot, generation), replicaId);
    }
  }

  byId(id: string | null): Recorded | undefined {
    return id === null ? undefined : this.#ids.get(id);
  }

  /** The latest of a type in a stream. */
  in(stream: string, ...types: AnyEvent['type'][]): Recorded | undefined {
    return latestOf(types.map((type) => this.#latest.get(`${type}|${stream}`)));
  }

  /** The latest under a key, see `keysOf`. */
  of(...keys: string[]): Recorded | undefined {
    return latestOf(keys.map((key) => this.#latest.get(key)));
  }

  replicaIn(ownerId: string, slot: number, generation: number): ReplicaId | undefined {
    return this.#slots.get(slotKey(ownerId, slot, generation));
  }
}

const slotKey = (ownerId: string, slot: number, generation: number): string => `${ownerId}|${slot}|${generation}`;

const latestOf = (events: readonly (Recorded | undefined)[]): Recorded | undefined =>
  events.reduce((latest, event) => (event && (!latest || event.position > latest.position) ? event : latest), undefined);

type Known = Recorded & AnyEvent;

/** What an event is found by later: the order of a replica, its end, the job of a hook. */
function keysOf(event: Known, seen: Seen): readonly string[] {
  switch (event.type) {
    case 'ServiceStepTaken':
    case 'DeploymentStepTaken':
      return [...event.data.creates.map(({ replicaId }) => `ordered|${replicaId}`), ...event.data.stops.map(({ replicaId }) => `stopped|${replicaId}`)];
    case 'ReplicaWantedChanged':
      return [`wanted|${event.data.replicaId}|${event.data.to}`];
    case 'DeploymentReplicaFailed':
      return [`given up|${event.data.replicaId}`, `failed|${event.data.deploymentId}`];
    case 'DeploymentStarted':
      return [`started|${event.data.deploymentId}`];
    case 'DeploymentCancelRequested':
      return [`cancelled|${event.data.deploymentId}`];
    case 'DeploymentStageBegan':
      return event.data.jobId ? [`hook|${event.data.jobId}`] : [];
    case 'ReplicaObserved':
      return [`seen|${event.data.replicaId}`, ...(event.data.state === 'FAILED' ? [`seen failed|${event.data.replicaId}`] : []), ...movedBy(event, seen)];
    case 'SecretVersionAdded':
    case 'ConfigVersionAdded':
    case 'ResourceChanged':
      return [`version|${event.stream.slice(event.stream.indexOf('-') + 1)}|${event.data.version}`];
    default:
      return [];
  }
}

/** Which deployments it goes on with, having ordered this replica or had it stopped, and whose release it shows. */
function movedBy({ stream, data: { replicaId, owner, imageId } }: Of<'ReplicaObserved'>, seen: Seen): readonly string[] {
  const steps = [seen.of(`ordered|${replicaId}`), seen.of(`stopped|${replicaId}`)];
  const created = seen.in(stream, 'ReplicaCreated') as Of<'ReplicaCreated'> | undefined;
  const shown = imageId === null || !created ? [] : [`shown|docker_service-${owner.id}|${created.data.release}`];
  return [...steps.flatMap((step) => (step?.type === 'DeploymentStepTaken' ? [`moved|${step.stream}`] : [])), ...shown];
}

const replicaStream = (id: ReplicaId): string => `replica-${id}`;

function causeOf(event: Recorded, seen: Seen): Told {
  return (causes[event.type as AnyEvent['type']] as Cause | undefined)?.(event as never, seen);
}

/** Null: it isn't among these events, and what was reacted to is no cause. */
type Told = Recorded | null | undefined;
type Cause = (event: never, seen: Seen) => Told;
type Causes = { readonly [Type in AnyEvent['type']]?: (event: Of<Type>, seen: Seen) => Told };

const LIFECYCLE: readonly DockerServiceEvent['type'][] = [
  'DockerServicePaused', 'DockerServiceStopped', 'DockerServiceResumed', 'DockerServiceStarted', 'DockerServiceDeletionRequested', 'DockerServiceScaled', 'DeploymentEnded',
];

const causes: Causes = {
  /** What the platform cuts by itself, it cuts for what the release follows. */
  ReleaseCut: (event, seen) => seen.of(...newlyFollowed(event, seen.in(event.stream, 'ReleaseCut')).map(({ id, version }) => `version|${id}|${version}`)),
  ReleaseImagePinned: ({ stream, data: { release } }, seen) => seen.of(`shown|${stream}|${release}`) ?? null,
  DeploymentStarted: ({ stream, data, metadata }, seen) => {
    const cut = seen.in(stream, 'ReleaseCut');
    return cut?.metadata.commandId === metadata.commandId && (cut as Of<'ReleaseCut'>).data.release === data.toRelease ? cut : undefined;
  },
  DeploymentEnded: ({ data }, seen) => seen.in(`deployment-${data.deploymentId}`, 'DeploymentClosed'),
  ServiceStepTaken: (event, seen) => lostIn(event, event.stream.slice('docker_service-'.length), seen) ?? seen.in(event.stream, ...LIFECYCLE),

  DeploymentOpened: ({ data }, seen) => seen.of(`started|${data.deploymentId}`),
  DeploymentStageBegan: ({ stream, data }, seen) => (data.stage === 'return' ? setback(stream, data.deploymentId, seen) : seen.in(stream, 'DeploymentStageEnded', 'DeploymentOpened')),
  DeploymentStageEnded: ({ stream, data }, seen) => hookEnd(stream, data.stage, seen) ?? (data.result === 'SUCCEEDED' ? wentOn(stream, seen) : setback(stream, data.deploymentId, seen)),
  DeploymentProgressed: ({ stream }, seen) => wentOn(stream, seen),
  DeploymentStepTaken: (event, seen) => lostIn(event, event.data.dockerServiceId, seen) ?? seen.in(event.stream, 'DeploymentStageBegan', 'DeploymentOpened'),
  DeploymentReplicaFailed: ({ data: { replicaId } }, seen) => seen.of(`seen failed|${replicaId}`) ?? seen.in(replicaStream(replicaId), 'ReplicaObserved', 'PlacementDeferred'),
  DeploymentClosed: ({ stream }, seen) => seen.in(stream, 'DeploymentStageEnded'),

  ReplicaCreated: ({ data: { replicaId } }, seen) => seen.of(`ordered|${replicaId}`),
  ReplicaAbandoned: ({ data: { replicaId } }, seen) => seen.of(`stopped|${replicaId}`),
  PlacementDeferred: ({ stream }, seen) => seen.in(stream, 'PlacementSettled', 'ReplicaCreated'),
  PlacementClaimed: ({ stream }, seen) => seen.in(stream, 'PlacementSettled', 'PlacementDeferred', 'ReplicaCreated'),
  PlacementSettled: ({ stream, data }, seen) => seen.byId(data.eventId) ?? seen.in(stream, 'PlacementClaimed'),
  ReplicaObserved(event, seen) {
    const { stream, data: { replicaId, nodeId, state, reason } } = event;
    if (reason?.code === 'node_removed') return seen.in(`node-${nodeId}`, 'NodeRemoved') ?? seen.in(stream, 'ReplicaObserved');
    const asked = state === 'STOPPED' || state === 'GONE' ? seen.of(`wanted|${replicaId}|gone`, `wanted|${replicaId}|hold`) : undefined;
    return asked ?? seen.in(stream, 'ReplicaObserved') ?? seen.in(stream, 'PlacementSettled');
  },

  NodeReachable: ({ stream }, seen) => seen.in(stream, 'NodeUnreachable'),
  ReplicaPlaced: ({ data }, seen) => seen.in(replicaStream(data.replicaId), 'PlacementClaimed'),
  PlacementRefused: ({ data }, seen) => seen.in(replicaStream(data.replicaId), 'PlacementClaimed'),
  ReplicaWantedChanged: ({ data }, seen) => seen.of(`stopped|${data.replicaId}`) ?? seen.in(`docker_service-${data.owner.id}`, ...LIFECYCLE),
  ReplicaReleased: ({ stream, data }, seen) => (data.reason.code === 'node_removed' ? seen.in(stream, 'NodeRemoved') : seen.of(`seen|${data.replicaId}`)),

  JobCreated: ({ data: { jobId } }, seen) => seen.of(`hook|${jobId}`),
  JobAttemptStarted: ({ stream }, seen) => seen.in(stream, 'JobAttemptFailed', 'JobCreated'),
  JobAttemptFailed: ({ data }, seen) => seen.of(`seen|${data.replicaId}`),
  JobEnded: ({ stream }, seen) => {
    const started = seen.in(stream, 'JobAttemptStarted') as Of<'JobAttemptStarted'> | undefined;
    return seen.in(stream, 'JobCancelRequested') ?? (started && seen.of(`seen|${started.data.replicaId}`));
  },

  VolumeUnbound: ({ data: { nodeId } }, seen) => seen.in(`node-${nodeId}`, 'NodeRemoved'),
  VolumeCleared: ({ stream, data: { nodeId } }, seen) => seen.in(`node-${nodeId}`, 'NodeRemoved') ?? seen.in(stream, 'VolumeDeletionRequested'),
};

/** What a batch makes good: the end of the replica that a slot had before, or the one that was given up. */
function lostIn({ data: { creates, stops } }: Of<'ServiceStepTaken' | 'DeploymentStepTaken'>, ownerId: string, seen: Seen): Recorded | undefined {
  const before = creates.filter(({ replaces }) => !replaces).flatMap(({ slot, generation }) => seen.replicaIn(ownerId, slot, generation - 1) ?? []).filter((replicaId) => !wasAskedToGo(replicaId, seen));
  const lost = before.map((replicaId) => seen.in(replicaStream(replicaId), 'ReplicaObserved')).filter((event) => (event as Of<'ReplicaObserved'> | undefined)?.data.state === 'GONE');
  const failed = stops.filter(({ reason }) => reason.code === 'replica_failed').map(({ replicaId }) => seen.of(`given up|${replicaId}`) ?? seen.of(`seen failed|${replicaId}`));
  return latestOf([...lost, ...failed]);
}

/** Somebody had it stopped, for another reason than its own failure. */
function wasAskedToGo(replicaId: ReplicaId, seen: Seen): boolean {
  const step = seen.of(`stopped|${replicaId}`) as Of<'ServiceStepTaken'> | undefined;
  return step?.data.stops.some((stop) => stop.replicaId === replicaId && stop.reason.code !== 'replica_failed') ?? false;
}

/** What brought a deployment on: what was seen last of a replica that it ordered or had stopped; where nothing was, as in a time of watching, the stage itself. */
const wentOn = (stream: string, seen: Seen): Recorded | null => latestOf([seen.of(`moved|${stream}`), seen.in(stream, 'DeploymentStageBegan')]) ?? null;

/** Why a deployment turns back. */
const setback = (stream: string, deploymentId: string, seen: Seen): Recorded | undefined => {
  const ended = seen.in(stream, 'DeploymentStageEnded') as Of<'DeploymentStageEnded'> | undefined;
  return (ended && ended.data.result !== 'SUCCEEDED' ? ended : undefined) ?? seen.of(`failed|${deploymentId}`, `cancelled|${deploymentId}`);
};

/** The end of the job that a stage ran. */
function hookEnd(stream: string, stage: string, seen: Seen): Recorded | undefined {
  const began = seen.in(stream, 'DeploymentStageBegan') as Of<'DeploymentStageBegan'> | undefined;
  return began?.data.jobId && began.data.stage === stage ? seen.in(`job-${began.data.jobId}`, 'JobEnded') : undefined;
}
