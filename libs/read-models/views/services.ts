import { KEPT_RELEASES, warningKey, warningReason } from '#domain';
import type {
  Actor, DeploymentId, DeploymentOutcome, DockerServiceId, EnvironmentId, Lifecycle, NetworkId, ProjectId, Reason, ReplicaCounts, ServiceStatus,
} from '#domain';
import { evolveBy, keysOf, type Folds, type Of, type View } from '../view.ts';
import { releaseSpecDocument, type ReleaseSpecDocument } from './container-spec.ts';
import { deploySettingsDocument, hookDocument, type DeploySettingsDocument, type HookDocument } from './deploy-settings.ts';
import { warningsIn, withoutWarning } from './projects.ts';
import { change, currentRelease, observed, settled, statusOf, takeStep, type Standing } from './service-members.ts';

/** What of a service is answered as it stands in its document; the rest is joined when it is read (`service-queries.ts`). */
export interface ServiceFields extends ReleaseSpecDocument {
  readonly docker_service_id: DockerServiceId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly network_id: NetworkId;
  readonly name: string;
  readonly hostname: string;
  readonly type: 'web' | 'worker';
  /** As the log knows it; a reader takes the replicas of silent nodes out. Null where nothing is wanted. */
  readonly status: ServiceStatus | null;
  readonly status_reason: Reason | null;
  readonly degraded: boolean;
  readonly lifecycle: Lifecycle;
  /** Since when and by whom it is PAUSED, and what became of its containers: kept, or removed. Null with every other lifecycle. */
  readonly paused: { readonly containers: 'held' | 'removed'; readonly at: string; readonly by: Actor } | null;
  /** The current release; with none, the one cut last: its spec is shown. */
  readonly release: number;
  /** What the image of that release was found to be; null where no registry gave it, or none was pulled yet. */
  readonly image_digest: string | null;
  readonly replicas: ReplicaCounts;
  readonly deploy: DeploySettingsDocument;
  /** What shapes its containers was changed, and waits for the next deployment. */
  readonly postponed: boolean;
  readonly deployment: { readonly deployment_id: DeploymentId; readonly status: 'PENDING' | 'RUNNING' | DeploymentOutcome } | null;
  readonly warnings: readonly Reason[];
  readonly created_at: string;
  readonly created_by: Actor;
  /** The last change that somebody asked for; what the platform does to bring it about is no change. */
  readonly updated_at: string;
  readonly updated_by: Actor;
  readonly deleted_at: string | null;
  /** Who asked for it. */
  readonly deleted_by: Actor | null;
  /** Of its stream: what `If-Match` is about. */
  readonly revision: number;
}

export interface ServiceDocument extends ServiceFields, Omit<Standing, 'paused' | 'releases'> {
  readonly id: string;
  readonly position: string;
  /** Those that it stands on or may come to stand on, by their number; all that were ever cut are the view of releases. */
  readonly releases: Readonly<Record<string, ReleaseSpecDocument & { readonly image_digest: string | null }>>;
  /** What waits for the next deployment; null: nothing does. */
  readonly postponed_release: ReleaseSpecDocument | null;
  /** Of the active deployment: they may be its own. */
  readonly deployment_hooks: readonly HookDocument[];
  /** The number of the release that was cut last. */
  readonly last_release: number;
  /** The service's own, which its containers have from the next release on. */
  readonly own_labels: Readonly<Record<string, string>>;
  readonly deletion_asked_by: Actor | null;
  /** Of its own quota, each by what it is about. */
  readonly quota_warnings: Readonly<Record<string, Reason>>;
}

/** Changes that somebody asks for. */
const CHANGES: ReadonlySet<string> = new Set([
  'ReleaseCut', 'ReleasePostponed', 'DeploymentStarted', 'DeploymentCancelRequested', 'DockerServiceScaled', 'DeploySettingsChanged', 'DockerServiceLabelsChanged',
  'DockerServicePaused', 'DockerServiceResumed', 'DockerServiceStopped', 'DockerServiceStarted', 'DockerServiceDeletionRequested',
]);

/** Services, the deleted ones too: folded from their own streams and those of their deployments and replicas. */
export const services: View<ServiceDocument> = {
  schema: {
    view: 'services',
    version: 6,
    indexes: [['project_id', 'lifecycle'], ['environment_id', 'name'], ['lifecycle']],
  },
  prefixes: ['docker_service-', 'deployment-', 'replica-', 'project-'],
  keys(event) {
    if (event.stream.startsWith(OWN)) return [event.stream.slice(OWN.length)];
    return elsewhere(event);
  },
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    if (!next || !event.stream.startsWith(OWN)) return next;
    const { at, actor } = event.metadata;
    return { ...next, revision: Number(event.revision), ...(CHANGES.has(event.type) ? { updated_at: at, updated_by: actor } : {}) };
  },
  complete: derived,
};

const OWN = 'docker_service-';

const replicaKey = ({ data: { owner } }: { data: { owner: { type: string; id: string } } }): string | null =>
  owner.type === 'docker_service' ? owner.id : null;

const elsewhere = keysOf({
  DeploymentOpened: ({ data }) => data.dockerServiceId,
  DeploymentStageBegan: ({ data }) => (data.stage === 'return' ? data.dockerServiceId : null),
  DeploymentStepTaken: ({ data }) => data.dockerServiceId,
  ReplicaAbandoned: replicaKey,
  PlacementDeferred: replicaKey,
  PlacementSettled: replicaKey,
  ReplicaObserved: replicaKey,
  QuotaWarningRaised: warnedKey,
  QuotaWarningEnded: warnedKey,
});

function warnedKey({ data: { scope, id } }: { data: { scope: string; id: string } }): string | null {
  return scope === 'docker_service' ? id : null;
}

const folds: Folds<ServiceDocument> = {
  ReleaseCut: (service, { data: { release, spec } }) => ({
    ...service,
    last_release: release,
    postponed: false,
    postponed_release: null,
    own_labels: release === 1 ? spec.labels : service.own_labels,
    releases: { ...lately(service, release), [release]: { ...releaseSpecDocument(spec), image_digest: null } },
  }),
  ReleasePostponed: (service, { data: { spec } }) => ({ ...service, postponed: spec !== null, postponed_release: spec && releaseSpecDocument(spec) }),
  ReleaseImagePinned(service, { data: { release, digest } }) {
    const pinned = service.releases[release];
    return pinned ? { ...service, releases: { ...service.releases, [release]: { ...pinned, image_digest: digest } } } : service;
  },
  DeploymentStarted: (service, { data: { deploymentId, toRelease, settings } }) => ({
    ...service,
    deployment_hooks: [settings.preDeploy, settings.postDeploy].flatMap((hook) => (hook ? [hookDocument(hook)] : [])),
    active_deployment: { deployment_id: deploymentId, to_release: toRelease, returning: false },
    deployment: { deployment_id: deploymentId, status: 'PENDING' },
    halted: null,
  }),
  DeploymentStageBegan: (service, { data: { deploymentId } }) =>
    service.active_deployment?.deployment_id === deploymentId ? { ...service, active_deployment: { ...service.active_deployment, returning: true } } : service,
  DeploymentOpened: (service, { data: { deploymentId } }) =>
    service.deployment?.deployment_id === deploymentId && service.active_deployment
      ? { ...service, deployment: { deployment_id: deploymentId, status: 'RUNNING' } }
      : service,
  DeploymentStepTaken: (service, { data }) => ({ ...service, members: takeStep(service.members, data) }),
  DeploymentEnded: ended,
  DockerServiceScaled: (service, { data: { to } }) => ({ ...service, desired: to }),
  DeploySettingsChanged: (service, { data: { to } }) => ({ ...service, deploy: deploySettingsDocument(to) }),
  DockerServiceLabelsChanged: (service, { data: { to } }) => ({ ...service, own_labels: to }),
  DockerServicePaused: (service, { metadata: { at, actor } }) => ({ ...service, lifecycle: 'PAUSED', paused: { containers: 'held', at, by: actor } }),
  DockerServiceStopped: (service, { metadata: { at, actor } }) => ({ ...service, lifecycle: 'PAUSED', paused: { containers: 'removed', at, by: actor } }),
  DockerServiceResumed: active,
  DockerServiceStarted: active,
  ServiceStepTaken: (service, { data }) => ({ ...service, members: takeStep(service.members, data) }),
  DockerServiceDeletionRequested: (service, { metadata }) => ({ ...service, lifecycle: 'DELETING', paused: null, deletion_asked_by: metadata.actor }),
  DockerServiceDeleted: (service, { metadata }) => ({
    ...service,
    lifecycle: 'DELETED',
    deleted_at: metadata.at,
    deleted_by: service.deletion_asked_by ?? metadata.actor,
  }),
  ReplicaAbandoned: (service, { data: { replicaId, reason } }) => ({
    ...service,
    members: change(service.members, replicaId, () => ({ state: 'GONE', final: true, reason })),
  }),
  PlacementDeferred: (service, { data: { replicaId, reason } }) => ({ ...service, members: change(service.members, replicaId, () => ({ reason })) }),
  PlacementSettled: (service, event) => ({ ...service, members: change(service.members, event.data.replicaId, () => settled(event)) }),
  ReplicaObserved: (service, event) => ({ ...service, members: change(service.members, event.data.replicaId, observed(event)) }),
  QuotaWarningRaised: (service, { data }) => ({ ...service, quota_warnings: { ...service.quota_warnings, [warningKey(data)]: warningReason(data) } }),
  QuotaWarningEnded: (service, { data }) => ({ ...service, quota_warnings: withoutWarning(service.quota_warnings, data) }),
};

const fold = evolveBy<ServiceDocument>({ DockerServiceCreated: created }, folds);

function active(service: ServiceDocument): ServiceDocument {
  return { ...service, lifecycle: 'ACTIVE', paused: null };
}

/** One that FAILED halts the service, and so does any end that leaves it without a release to stand on. What it ordered stays, as its
 *  steps said. */
function ended(service: ServiceDocument, { data }: Of<'DeploymentEnded'>): ServiceDocument {
  const { deploymentId, outcome, reason, toRelease } = data;
  const stable_release = outcome === 'SUCCEEDED' ? toRelease : service.stable_release;
  const wasActive = service.active_deployment?.deployment_id === deploymentId;
  const halts = outcome === 'FAILED' || (outcome !== 'SUPERSEDED' && stable_release === null);
  return {
    ...service,
    stable_release,
    active_deployment: wasActive ? null : service.active_deployment,
    deployment_hooks: wasActive ? [] : service.deployment_hooks,
    deployment: service.deployment?.deployment_id === deploymentId ? { deployment_id: deploymentId, status: outcome } : service.deployment,
    halted: halts && wasActive ? reason : service.halted,
    members: takeStep(service.members, { creates: data.ordered, stops: data.stopped, forgets: data.forgotten }),
  };
}

/** Those that may be shown still, when another is cut. Told by events alone: whatever is derived once for many of them would differ by how
 *  they were taken together. */
const lately = ({ releases, stable_release }: ServiceDocument, cut: number): ServiceDocument['releases'] =>
  Object.fromEntries(Object.entries(releases).filter(([number]) => Number(number) > cut - KEPT_RELEASES || Number(number) === stable_release));

/** What follows from the rest: the status, and the spec of the release that is shown. */
function derived(service: ServiceDocument): ServiceDocument {
  const { status, reason, degraded, counts } = statusOf(service, () => false);
  const release = currentRelease(service) ?? service.last_release;
  return { ...service, ...service.releases[release], labels: service.own_labels, release, status, status_reason: reason, degraded, replicas: counts, warnings: warningsIn(service.quota_warnings) };
}

function created({ data, metadata: { at, actor }, position, revision }: Of<'DockerServiceCreated'>): ServiceDocument {
  return {
    id: data.dockerServiceId,
    position,
    docker_service_id: data.dockerServiceId,
    project_id: data.projectId,
    environment_id: data.environmentId,
    network_id: data.networkId,
    name: data.name,
    hostname: data.hostname,
    type: data.kind,
    lifecycle: 'ACTIVE',
    paused: null,
    desired: data.replicas,
    deploy: deploySettingsDocument(data.deploy),
    ...NO_RELEASE,
    created_at: at,
    created_by: actor,
    updated_at: at,
    updated_by: actor,
    deleted_at: null,
    deleted_by: null,
    deletion_asked_by: null,
    quota_warnings: {},
    revision: Number(revision),
  };
}

/** A service before its first release is cut, which the same append does: nobody reads it so. */
const NO_RELEASE = {
  release: 0,
  last_release: 0,
  own_labels: {},
  releases: {},
  image: '',
  image_digest: null,
  pull_policy: 'missing',
  command: null,
  args: null,
  env: {},
  secrets: {},
  configs: [],
  registry_credentials: null,
  dependencies: [],
  postponed: false,
  postponed_release: null,
  deployment_hooks: [],
  ports: [],
  plan: null,
  resources: { request: { cpu_millis: 0, memory_bytes: 0 }, limit: { cpu_millis: 0, memory_bytes: 0 } },
  labels: {},
  constraints: [],
  restart_policy: { name: 'always', max_retries: 0, delay_ms: null, backoff: 'exponential', window_ms: null, on_exhausted: 'fail' },
  healthcheck: null,
  logging_target: { type: 'local_only' },
  metrics_target: { type: 'prometheus' },
  volumes: [],
  networks: [],
  default_network: true,
  stable_release: null,
  active_deployment: null,
  deployment: null,
  halted: null,
  members: {},
  status: null,
  status_reason: null,
  degraded: false,
  replicas: { desired: 0, running: 0, healthy: 0, starting: 0, failed: 0, finished: 0 },
  warnings: [],
} as const;
