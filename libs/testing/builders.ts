import { type ContainerSpec, type DeploySettings, type DockerServiceEvent, type EventMetadata, type NodeFacts, type Observation, type Resources, ALWAYS, DEFAULT_DEPLOY_SETTINGS, DEFAULT_TARGETS } from '#domain';
import { eventIdOf, type NewEvent, type Recorded } from '#event-store';

const MIB = 1024 ** 2;

/** 100 millicores and 64 MiB, requested and limited. */
export const aResources = (over: Partial<Resources> = {}): Resources => ({
  request: { cpuMillis: 100, memoryBytes: 64 * MIB },
  limit: { cpuMillis: 100, memoryBytes: 64 * MIB },
  ...over,
});

/** A container of a web server without ports, labels and wishes. */
export const aContainerSpec = (over: Partial<ContainerSpec> = {}): ContainerSpec => ({
  image: 'docker.io/library/web:1',
  pullPolicy: 'missing',
  command: null,
  args: null,
  env: {},
  ports: [],
  plan: null,
  resources: aResources(),
  labels: {},
  constraints: [],
  restartPolicy: ALWAYS,
  healthcheck: null,
  ...DEFAULT_TARGETS,
  ...over,
});

/** Short deadlines: 1 s of health, a minute to get there, two without progress. */
export const aDeploySettings = (over: Partial<DeploySettings> = {}): DeploySettings => ({
  ...DEFAULT_DEPLOY_SETTINGS,
  monitorMs: 0,
  minHealthyMs: 1_000,
  healthyDeadlineMs: 60_000,
  progressDeadlineMs: 120_000,
  maxFailures: 0,
  ...over,
});

type Created = Extract<DockerServiceEvent, { type: 'DockerServiceCreated' }>;

/** The service `api` (`svc_a`) in `env_a` of `prj_a`, one replica wanted. */
export const aDockerServiceCreated = (over: Partial<Created['data']> = {}): Created => ({
  type: 'DockerServiceCreated',
  data: {
    dockerServiceId: 'svc_a',
    projectId: 'prj_a',
    environmentId: 'env_a',
    networkId: 'net_a',
    name: 'api',
    hostname: 'api.default.shop.internal',
    kind: 'web',
    replicas: 1,
    deploy: aDeploySettings(),
    ...over,
  },
});

/** A service's whole beginning, as one append: created, its first release cut, its first deployment started. */
export const aNewDockerService = (over: { created?: Partial<Created['data']>; spec?: Partial<ContainerSpec> } = {}): readonly DockerServiceEvent[] => [
  aDockerServiceCreated(over.created),
  { type: 'ReleaseCut', data: { release: 1, spec: aContainerSpec(over.spec) } },
  { type: 'DeploymentStarted', data: { deploymentId: 'dep_a', kind: 'create', fromRelease: null, toRelease: 1, settings: over.created?.deploy ?? aDeploySettings(), supersedes: null } },
];

/** A host of 4 cores and 8 GiB. */
export const aNodeFacts = (over: Partial<NodeFacts> = {}): NodeFacts => ({
  name: 'host-1',
  address: '10.0.0.1',
  architecture: 'amd64',
  engineVersion: '20.10.24',
  capacity: { cpuMillis: 4_000, memoryBytes: 8 * 1024 * MIB },
  labels: {},
  ...over,
});

/** The first run of `rep_a`, RUNNING. */
export const anObservation = (over: Partial<Observation> = {}): Observation => ({
  replicaId: 'rep_a',
  run: 1,
  state: 'RUNNING',
  final: false,
  containerId: 'c0ffee',
  address: '10.192.0.2',
  imageId: 'sha256:beef',
  exitCode: null,
  oomKilled: false,
  health: 'unknown',
  reason: null,
  at: '2026-01-01T00:00:00.000Z',
  ...over,
});

/** What stands beside an event, by an operator in `prj_a`. */
export const someMetadata = (over: Partial<EventMetadata> = {}): EventMetadata => ({
  commandId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'prj_a',
  actor: { type: 'token', id: 'tok_operator' },
  originId: null,
  correlationId: '00000000-0000-4000-8000-000000000001',
  causationId: null,
  at: '2026-01-01T00:00:00.000Z',
  schema: 1,
  ...over,
});

/** Events as an append takes them. Give each append to one stream its own `commandId`. */
export function newEvents(stream: string, events: readonly { readonly type: string; readonly data: object }[], metadata: Partial<EventMetadata> = {}): NewEvent[] {
  const full = someMetadata(metadata);
  return events.map(({ type, data }, index) => ({ id: eventIdOf(full.commandId, stream, index), type, data, metadata: full }));
}

/** Events as a store gives them back, at revisions from `from` on; positions as if nothing else were in the log. */
export const recorded = (
  stream: string,
  events: readonly { readonly type: string; readonly data: object }[],
  metadata: Partial<EventMetadata> = {},
  from = 0,
): Recorded[] =>
  newEvents(stream, events, metadata).map((event, index) => ({
    ...event,
    stream,
    revision: BigInt(from + index),
    position: String(from + index + 1).padStart(20, '0'),
  }));
