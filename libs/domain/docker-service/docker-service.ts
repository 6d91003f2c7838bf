import type { Cases } from '../kernel/decider.ts';
import type { DockerServiceId, EnvironmentId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Unwritten } from '../kernel/reservation.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { ContainerSpec, DockerServiceEvent, ImagePin, Labels } from './events.ts';
import { noOrders, takeOver, takeStep, type Orders } from './orders.ts';

export type Lifecycle = 'ACTIVE' | 'PAUSED' | 'DELETING' | 'DELETED';

/** A deployment that hasn't ended. */
export interface ActiveDeployment extends StartedData {
  readonly cancelRequested: boolean;
  /** The service was paused, stopped or deleted meanwhile: it ends as it stands, without a return. Null where it goes on. */
  readonly cutShort: Reason | null;
}

/** A service that was created, deleted ones included: their history stays readable. */
export interface ExistingDockerService {
  readonly status: 'present';
  readonly dockerServiceId: DockerServiceId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly networkId: NetworkId;
  readonly name: string;
  readonly hostname: string;
  readonly kind: 'web' | 'worker';
  readonly lifecycle: Lifecycle;
  /** What became of its containers when it was PAUSED: kept, or removed. Null where it isn't PAUSED. */
  readonly paused: 'held' | 'removed' | null;
  /** How many are wanted, one for each of the slots 1 to this number. */
  readonly replicas: number;
  readonly deploy: DeploySettings;
  readonly labels: Labels;
  /** Every release that was cut, frozen, by its number. */
  readonly releases: ReadonlyMap<number, ContainerSpec>;
  /** What the next deployment is to cut a release of, where a change was to wait for it; null where nothing waits. */
  readonly postponed: ContainerSpec | null;
  /** What the images of releases were found to mean. */
  readonly pins: ReadonlyMap<number, ImagePin>;
  /** The release of the last deployment that SUCCEEDED; null before the first. */
  readonly stableRelease: number | null;
  /** Releases whose deployment SUCCEEDED, in that order, a release of several once. */
  readonly succeeded: readonly number[];
  readonly activeDeployment: ActiveDeployment | null;
  /** Those that a newer one took over from and that haven't handed over yet, the oldest first: the active one waits for them. */
  readonly superseded: readonly ActiveDeployment[];
  /** Why nothing new is started before a deployment or a start; null where the service isn't halted. */
  readonly halted: Reason | null;
  /** What stands in this stream's steps and in those of ended deployments; an active deployment's orders are in its own stream. */
  readonly orders: Orders;
  /** Commands that had reserved room and never came: none of them is carried out any more. */
  readonly voided: ReadonlySet<string>;
  /** Its deletion was asked for together with that of its volumes. */
  readonly takesVolumes: boolean;
}

/** `voided`: the name was claimed, but the service never written, and now never will be. */
export type DockerService = Unwritten | ExistingDockerService;

export const initial: DockerService = { status: 'absent' };

/** The release that the service is moved to, else the one that it last stood on; null with neither. Whether the active deployment is on
 *  its way back says that deployment's own stream. */
export const currentRelease = (service: ExistingDockerService): number | null =>
  service.activeDeployment?.toRelease ?? service.stableRelease;

/** The release that a change begins from: the current one; with none, the one cut last. */
export const workingRelease = (service: ExistingDockerService): number => currentRelease(service) ?? Math.max(...service.releases.keys());

/** What a change begins from: what waits for the next deployment, else the release that the service is on or moves to. */
export const workingSpec = (service: ExistingDockerService): ContainerSpec => service.postponed ?? service.releases.get(workingRelease(service))!;

/** Releases that a rollback may ask for. */
export const KEPT_RELEASES = 10;

/** The numbers of the releases that are kept with their images, the newest first: the last ten, and whatever the service stands on or
 *  moves to. */
export function keptReleases(service: ExistingDockerService): readonly number[] {
  const newest = [...service.releases.keys()].sort((a, b) => b - a);
  const inUse = [service.stableRelease, service.activeDeployment?.toRelease];
  return newest.filter((release, index) => index < KEPT_RELEASES || inUse.includes(release));
}

const existing = (service: DockerService): ExistingDockerService => {
  if (service.status !== 'present') throw new Error(`history out of order: docker_service is ${service.status}`);
  return service;
};

const evolutions: Cases<DockerServiceEvent, DockerService, DockerService> = {
  DockerServiceCreated: (_, { data }) => ({
    ...data,
    status: 'present',
    lifecycle: 'ACTIVE',
    paused: null,
    labels: {},
    releases: new Map(),
    postponed: null,
    pins: new Map(),
    stableRelease: null,
    succeeded: [],
    activeDeployment: null,
    superseded: [],
    halted: null,
    orders: noOrders,
    voided: new Set(),
    takesVolumes: false,
  }),
  /** Whatever waited is in it, or was passed over by a rollback. The first release brings the labels that the service was created with. */
  ReleaseCut(service, { data: { release, spec } }) {
    const { releases, labels, ...rest } = existing(service);
    return { ...rest, postponed: null, releases: new Map([...releases, [release, spec]]), labels: release === 1 ? spec.labels : labels };
  },
  ReleasePostponed: (service, { data: { spec } }) => ({ ...existing(service), postponed: spec }),
  ReleaseImagePinned: (service, { data: { release, ...pin } }) => ({ ...existing(service), pins: new Map([...existing(service).pins, [release, pin]]) }),
  DeploymentStarted: (service, { data }) => startDeployment(existing(service), data),
  DeploymentCancelRequested: (service, { data }) => requestCancel(existing(service), data.deploymentId),
  DeploymentEnded: (service, { data }) => endDeployment(existing(service), data),
  DockerServiceScaled: (service, { data }) => ({ ...existing(service), replicas: data.to }),
  DeploySettingsChanged: (service, { data }) => ({ ...existing(service), deploy: data.to }),
  DockerServiceLabelsChanged: (service, { data }) => ({ ...existing(service), labels: data.to }),
  DockerServicePaused: (service) => ({ ...cutShort(existing(service), PAUSED), lifecycle: 'PAUSED', paused: 'held' }),
  DockerServiceResumed: (service) => ({ ...existing(service), lifecycle: 'ACTIVE', paused: null }),
  DockerServiceStopped: (service) => ({ ...cutShort(existing(service), STOPPED), lifecycle: 'PAUSED', paused: 'removed' }),
  DockerServiceStarted: (service) => ({ ...existing(service), lifecycle: 'ACTIVE', paused: null }),
  ServiceStepTaken: (service, { data }) => ({ ...existing(service), orders: takeStep(existing(service).orders, data) }),
  DockerServiceDeletionRequested: (service, { data }) => ({ ...cutShort(existing(service), DELETED), lifecycle: 'DELETING', paused: null, takesVolumes: data.volumes === 'delete' }),
  DockerServiceDeleted: (service) => ({ ...existing(service), lifecycle: 'DELETED' }),
  ReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
  ChangeVoided: (service, { data: { commandId } }) => ({ ...existing(service), voided: new Set([...existing(service).voided, commandId]) }),
};

/** Folds one event of a service's stream in. */
export const evolve = (service: DockerService, event: DockerServiceEvent): DockerService => evolutions[event.type](service, event as never);

/** Whatever halted it is over: somebody wants it moved. */
function startDeployment(service: ExistingDockerService, data: StartedData): ExistingDockerService {
  const { activeDeployment, superseded } = service;
  return {
    ...service,
    superseded: activeDeployment ? [...superseded, activeDeployment] : superseded,
    activeDeployment: { ...data, cancelRequested: false, cutShort: null },
    halted: null,
  };
}

export const PAUSED: Reason = { code: 'docker_service_paused', message: 'the service was paused' };
export const STOPPED: Reason = { code: 'docker_service_stopped', message: 'the service was stopped' };
export const DELETED: Reason = { code: 'docker_service_deleted', message: 'the service is being deleted' };

function cutShort(service: ExistingDockerService, reason: Reason): ExistingDockerService {
  const { activeDeployment } = service;
  return activeDeployment ? { ...service, activeDeployment: { ...activeDeployment, cutShort: activeDeployment.cutShort ?? reason } } : service;
}

function requestCancel(service: ExistingDockerService, deploymentId: string): ExistingDockerService {
  const { activeDeployment } = service;
  return activeDeployment?.deploymentId === deploymentId ? { ...service, activeDeployment: { ...activeDeployment, cancelRequested: true } } : service;
}

/** One that FAILED halts the service, and so does any end that leaves it without a release to stand on. */
function endDeployment(service: ExistingDockerService, data: EndedData): ExistingDockerService {
  const stableRelease = data.outcome === 'SUCCEEDED' ? data.toRelease : service.stableRelease;
  const { activeDeployment: active, superseded } = service;
  const wasActive = active?.deploymentId === data.deploymentId;
  const halts = data.outcome === 'FAILED' || (data.outcome !== 'SUPERSEDED' && stableRelease === null);
  return {
    ...service,
    stableRelease,
    succeeded: data.outcome === 'SUCCEEDED' ? [...service.succeeded.filter((release) => release !== data.toRelease), data.toRelease] : service.succeeded,
    // One that ended well before it was superseded has moved what the next one returns to.
    activeDeployment: wasActive || !active ? null : { ...active, fromRelease: stableRelease },
    superseded: superseded.filter(({ deploymentId }) => deploymentId !== data.deploymentId),
    halted: halts && wasActive ? data.reason : service.halted,
    orders: takeOver(service.orders, data),
  };
}

type StartedData = Extract<DockerServiceEvent, { type: 'DeploymentStarted' }>['data'];
type EndedData = Extract<DockerServiceEvent, { type: 'DeploymentEnded' }>['data'];
