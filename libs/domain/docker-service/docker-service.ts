import type { Cases } from '../kernel/decider.ts';
import type { DeploymentId, DockerServiceId, EnvironmentId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { ContainerSpec, DockerServiceEvent } from './events.ts';
import { noOrders, takeOver, takeStep, type Orders } from './orders.ts';

export type Lifecycle = 'ACTIVE' | 'DELETING' | 'DELETED';

/** The deployment that moves the service now. */
export interface ActiveDeployment {
  readonly deploymentId: DeploymentId;
  readonly fromRelease: number | null;
  readonly toRelease: number;
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
  /** How many are wanted, one for each of the slots 1 to this number. */
  readonly replicas: number;
  readonly deploy: DeploySettings;
  /** Every release that was cut, frozen, by its number. */
  readonly releases: ReadonlyMap<number, ContainerSpec>;
  /** The release of the last deployment that SUCCEEDED; null before the first. */
  readonly stableRelease: number | null;
  readonly activeDeployment: ActiveDeployment | null;
  /** Why nothing new is started by itself; null where the service isn't halted. */
  readonly halted: Reason | null;
  /** What stands in this stream's steps and in those of ended deployments; an active deployment's orders are in its own stream. */
  readonly orders: Orders;
}

/** `voided`: the name was claimed, but the service never written, and now never will be. */
export type DockerService = { readonly status: 'absent' } | { readonly status: 'voided' } | ExistingDockerService;

export const initial: DockerService = { status: 'absent' };

/** The release that the service is moved to, else the one that it last stood on; null with neither. */
export const currentRelease = (service: ExistingDockerService): number | null =>
  service.activeDeployment?.toRelease ?? service.stableRelease;

const existing = (service: DockerService): ExistingDockerService => {
  if (service.status !== 'present') throw new Error(`history out of order: docker_service is ${service.status}`);
  return service;
};

const evolutions: Cases<DockerServiceEvent, DockerService, DockerService> = {
  DockerServiceCreated: (_, { data }) => ({
    ...data,
    status: 'present',
    lifecycle: 'ACTIVE',
    releases: new Map(),
    stableRelease: null,
    activeDeployment: null,
    halted: null,
    orders: noOrders,
  }),
  ReleaseCut: (service, { data }) => ({ ...existing(service), releases: new Map([...existing(service).releases, [data.release, data.spec]]) }),
  DeploymentStarted: (service, { data }) => ({ ...existing(service), activeDeployment: data, halted: null }),
  DeploymentEnded: (service, { data }) => endDeployment(existing(service), data),
  DockerServiceScaled: (service, { data }) => ({ ...existing(service), replicas: data.to }),
  ServiceStepTaken: (service, { data }) => ({ ...existing(service), orders: takeStep(existing(service).orders, data) }),
  DockerServiceDeletionRequested: (service) => ({ ...existing(service), lifecycle: 'DELETING' }),
  DockerServiceDeleted: (service) => ({ ...existing(service), lifecycle: 'DELETED' }),
  ReservationVoided: () => ({ status: 'voided' }),
};

/** Folds one event of a service's stream in. */
export const evolve = (service: DockerService, event: DockerServiceEvent): DockerService => evolutions[event.type](service, event as never);

/** A deployment that ends without any stable release to stand on halts the service. */
function endDeployment(service: ExistingDockerService, data: EndedData): ExistingDockerService {
  const stableRelease = data.outcome === 'SUCCEEDED' ? data.toRelease : service.stableRelease;
  const wasActive = service.activeDeployment?.deploymentId === data.deploymentId;
  const forward = data.outcome === 'SUCCEEDED' || data.outcome === 'SUPERSEDED';
  return {
    ...service,
    stableRelease,
    activeDeployment: wasActive ? null : service.activeDeployment,
    halted: !forward && stableRelease === null ? data.reason : service.halted,
    orders: takeOver(service.orders, data),
  };
}

type EndedData = Extract<DockerServiceEvent, { type: 'DeploymentEnded' }>['data'];

