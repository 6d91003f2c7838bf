import { type Actor, type AnyEvent, type ContainerSpec, type Resources, ALWAYS, DEFAULT_DEPLOY_SETTINGS, DEFAULT_TARGETS } from '#domain';
import type { Recorded } from '#event-store';

const OPERATOR: Actor = { type: 'token', id: 'tok_operator' };

/** Who wrote an event and when, where it matters to a spec. */
export interface Written {
  readonly at?: string;
  readonly actor?: Actor;
  readonly tenantId?: string;
  readonly originId?: string | null;
  readonly commandId?: string;
  readonly causationId?: string | null;
}

/** A log that is told event by event, one a second from noon on: for specs. Positions, revisions and ids follow from the order. */
export class Story {
  readonly events: Recorded[] = [];
  readonly #revisions = new Map<string, bigint>();

  constructor(private readonly tenantId = 'prj_shop') {}

  /** Adds one event to a stream; @returns it as the log gives it back. */
  tell<Type extends AnyEvent['type']>(stream: string, type: Type, data: Extract<AnyEvent, { type: Type }>['data'], written: Written = {}): Recorded {
    const number = this.events.length + 1;
    const revision = (this.#revisions.get(stream) ?? -1n) + 1n;
    this.#revisions.set(stream, revision);
    const event: Recorded = {
      id: `event-${number}`,
      type,
      data,
      stream,
      revision,
      position: String(number).padStart(20, '0'),
      metadata: {
        commandId: `command-${number}`,
        tenantId: this.tenantId,
        actor: OPERATOR,
        originId: null,
        correlationId: `correlation-${number}`,
        causationId: null,
        at: timeOf(number),
        schema: 1,
        ...written,
      },
    };
    this.events.push(event);
    return event;
  }
}

/** When the nth event of a story is written. */
export const timeOf = (number: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, number)).toISOString();

export const SYSTEM: Written = { actor: { type: 'system', id: 'scheduler' } };

export const RESOURCES: Resources = { request: { cpuMillis: 100, memoryBytes: 64 }, limit: { cpuMillis: 200, memoryBytes: 128 } };

export const SPEC: ContainerSpec = {
  image: 'docker.io/library/web:1',
  pullPolicy: 'missing',
  command: null,
  args: ['--fast'],
  env: { PORT: '80', camelCase: 'kept' },
  ports: [
    { containerPort: 80, protocol: 'tcp', hostPort: 8080 },
    { containerPort: 81, protocol: 'udp', hostPort: null },
  ],
  plan: 'small',
  resources: RESOURCES,
  labels: { teamName: 'shop' },
  constraints: [],
  restartPolicy: ALWAYS,
  healthcheck: null,
  ...DEFAULT_TARGETS,
};

const owner = { type: 'docker_service', id: 'svc_web' } as const;

/** The service `web` of two replicas, its first deployment taken up and both replicas ordered. */
export function orderedService(story = new Story()): Story {
  story.tell('docker_service-svc_web', 'DockerServiceCreated', {
    dockerServiceId: 'svc_web',
    projectId: 'prj_shop',
    environmentId: 'env_live',
    networkId: 'net_live',
    name: 'web',
    hostname: 'web.live.shop.internal',
    kind: 'web',
    replicas: 2,
    deploy: { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0, minHealthyMs: 10_000, healthyDeadlineMs: 300_000, progressDeadlineMs: 600_000, maxFailures: 0 },
  });
  story.tell('docker_service-svc_web', 'ReleaseCut', { release: 1, spec: SPEC });
  story.tell('docker_service-svc_web', 'DeploymentStarted', { deploymentId: 'dep_1', kind: 'create', fromRelease: null, toRelease: 1, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null });
  story.tell('deployment-dep_1', 'DeploymentOpened', { ...deploymentRef, toRelease: 1, startedAt: timeOf(3), progressDeadlineMs: 600_000 }, SYSTEM);
  story.tell(
    'deployment-dep_1',
    'DeploymentStepTaken',
    {
      ...deploymentRef,
      creates: [1, 2].map((slot) => ({ replicaId: `rep_${slot}` as const, slot, generation: 1, release: 1 })),
      stops: [],
      forgets: [],
      reason: { code: 'deploy', message: '2 replicas of release 1 are wanted' },
    },
    SYSTEM,
  );
  for (const slot of [1, 2]) createReplica(story, slot);
  return story;
}

export const deploymentRef = { deploymentId: 'dep_1', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;

/** Writes `ReplicaCreated` for a slot of `web`. */
export const createReplica = (story: Story, slot: number, release = 1): Recorded =>
  story.tell(
    `replica-rep_${slot}`,
    'ReplicaCreated',
    {
      replicaId: `rep_${slot}`,
      owner,
      projectId: 'prj_shop',
      environmentId: 'env_live',
      slot,
      generation: 1,
      release,
      request: RESOURCES.request,
      ports: SPEC.ports,
      constraints: [],
      replaces: null,
      deploymentId: 'dep_1',
    },
    SYSTEM,
  );

/** Claims `node_a` for a slot of `web`, and lets it be settled. */
export function place(story: Story, slot: number, outcome: 'placed' | 'refused' = 'placed'): void {
  const ref = { replicaId: `rep_${slot}`, owner } as const;
  const nodes = [{ nodeId: 'node_a', name: 'host-a', fits: true, reasons: [], score: 70 }] as const;
  story.tell(`replica-rep_${slot}`, 'PlacementClaimed', { ...ref, attempt: 1, nodeId: 'node_a', reason: { code: 'best_score', message: 'host-a scored 70' }, nodes }, SYSTEM);
  const reason = outcome === 'placed' ? { code: 'placed', message: 'the node took it' } : { code: 'capacity', message: 'host-a is full' };
  story.tell(`replica-rep_${slot}`, 'PlacementSettled', { ...ref, attempt: 1, nodeId: 'node_a', outcome, reason, eventId: 'settlement' }, SYSTEM);
}

type Seen = Extract<AnyEvent, { type: 'ReplicaObserved' }>['data'];

/** Writes what was seen of a slot of `web` on `node_a`; its run 1 unless told otherwise. */
export const observe = (story: Story, slot: number, state: Seen['state'], seen: Partial<Seen> = {}): Recorded =>
  story.tell(
    `replica-rep_${slot}`,
    'ReplicaObserved',
    {
      replicaId: `rep_${slot}`,
      owner,
      nodeId: 'node_a',
      run: 1,
      state,
      final: state === 'GONE',
      containerId: `container-${slot}`,
      address: `10.192.0.${slot}`,
      imageId: 'sha256:web',
      exitCode: null,
      oomKilled: false,
      health: 'unknown',
      reason: null,
      at: timeOf(story.events.length + 1),
      ...seen,
    },
    { actor: { type: 'system', id: 'health-monitor' } },
  );

/** Registers `node_a`. */
export const registerNode = (story: Story, nodeId: `node_${string}` = 'node_a', name = 'host-a', address = '10.0.0.1'): Recorded =>
  story.tell(
    `node-${nodeId}`,
    'NodeRegistered',
    {
      nodeId,
      name,
      address,
      architecture: 'amd64',
      engineVersion: '20.10.24',
      capacity: { cpuMillis: 4_000, memoryBytes: 8_000 },
      labels: { zone: 'a' },
      publicKey: 'UABC',
    },
    { tenantId: 'platform', actor: { type: 'system', id: 'health-monitor' } },
  );
