import { deriveId, replicaIdOf } from '#platform';
import { DEFAULT_TARGETS, ALWAYS, DEFAULT_DEPLOY_SETTINGS, type Actor, type AnyEvent, type ContainerSpec, type DeploymentId, type DockerServiceId, type JobId, type NodeId, type Owner, type ReplicaId, type RunState } from '#domain';
import { eventIdOf, type NewEvent } from '#event-store';
import { seededRandom } from '#testing';

/** What one append writes. */
export interface Written {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

/** The nodes of the history, and how many services stand on them at once: about 50 replicas a node. */
const NODES = 8;
const STANDING = 130;
/** So many services and jobs are under way at once: their events lie between each other. */
const UNDER_WAY = 12;

/** A log such as the platform writes it: services of one to five replicas that are created, deployed, scaled, restarted and deleted, and jobs,
 *  with ids, sizes and an order as in a real one. At least `events` events, the same for the same seed. */
export function* history(events: number, seed = 1): Generator<Written, void, undefined> {
  const random = seededRandom(seed);
  const teller = new Teller();
  const below = (count: number): number => Math.floor(random() * count);
  yield* beginnings(teller);
  const underWay: Generator<Written, void>[] = [];
  const standing: Generator<Written, void>[] = [];
  for (let begun = 0; teller.events < events; ) {
    while (underWay.length < UNDER_WAY) {
      const isJob = random() < 0.15;
      if (standing.length >= STANDING) underWay.push(...standing.splice(below(standing.length), 1));
      else underWay.push(isJob ? jobLife(teller, begun++, below) : serviceLife(teller, begun++, below));
    }
    const at = below(underWay.length);
    const { value, done } = underWay[at]!.next();
    if (value) yield value;
    if (done) underWay.splice(at, 1);
    // It stands, and nothing happens to it for a while.
    else if (!value) standing.push(...underWay.splice(at, 1));
  }
}

type Below = (count: number) => number;

/** Nothing is written here: the story waits. */
const REST = undefined as unknown as Written;

const OPERATOR: Actor = { type: 'token', id: 'tok_operator' };
const SCHEDULER: Actor = { type: 'system', id: 'scheduler' };
const MONITOR: Actor = { type: 'system', id: 'health-monitor' };
const PROJECT = deriveId('prj', 'bench', 'project', 0);
const ENVIRONMENT = deriveId('env', 'bench', 'environment', 0);
const NETWORK = deriveId('net', 'bench', 'network', 0);
const RESOURCES = { request: { cpuMillis: 250, memoryBytes: 268_435_456 }, limit: { cpuMillis: 500, memoryBytes: 536_870_912 } };
const node = (index: number): NodeId => deriveId('node', 'bench', 'node', index);

type Told = { [Type in AnyEvent['type']]: { type: Type; data: Extract<AnyEvent, { type: Type }>['data'] } }[AnyEvent['type']];

/** Gives events their ids, their metadata and their times: some a second. */
class Teller {
  events = 0;
  #commands = 0;

  write(stream: string, actor: Actor, ...told: readonly Told[]): Written {
    this.#commands += 1;
    const commandId = uuid(this.#commands);
    const metadata = {
      commandId,
      tenantId: /^(node|plan|network_pool)-/.test(stream) ? 'platform' : PROJECT,
      actor,
      originId: null,
      correlationId: actor === OPERATOR ? commandId : uuid(this.#commands >> 4),
      causationId: actor === OPERATOR ? null : uuid(this.#commands - 1),
      at: this.now(),
      schema: 1,
    };
    this.events += told.length;
    return { stream, events: told.map(({ type, data }, index) => ({ id: eventIdOf(commandId, stream, index), type, data, metadata })) };
  }

  now = (): string => new Date(Date.UTC(2026, 0, 1) + this.events * 137).toISOString();
}

const uuid = (number: number): string => `${(number * 2_654_435_761 % 2 ** 32).toString(16).padStart(8, '0')}-5b1c-4f0a-9d3e-${number.toString(16).padStart(12, '0')}`;

function* beginnings(teller: Teller): Generator<Written> {
  yield teller.write(`project-${PROJECT}`, OPERATOR, { type: 'ProjectCreated', data: { projectId: PROJECT, name: 'shop' } });
  yield teller.write(`project-${PROJECT}`, OPERATOR, { type: 'EnvironmentCreated', data: { environmentId: ENVIRONMENT, projectId: PROJECT, name: 'live', networkId: NETWORK } });
  yield teller.write('network_pool-default', SCHEDULER, { type: 'SubnetAllotted', data: { networkId: NETWORK, subnet: '10.192.0.0/24' } });
  const network = { networkId: NETWORK, projectId: PROJECT, environmentId: ENVIRONMENT, name: 'live', driver: 'bridge', subnet: '10.192.0.0/24' } as const;
  yield teller.write(`network-${NETWORK}`, SCHEDULER, { type: 'NetworkCreated', data: network });
  yield teller.write('plan-small', OPERATOR, { type: 'PlanDefined', data: { name: 'small', resources: RESOURCES } });
  for (let index = 0; index < NODES; index += 1) {
    const capacity = { cpuMillis: 64_000, memoryBytes: 137_438_953_472 };
    const facts = { name: `host-${index}`, address: `10.0.0.${index}`, architecture: 'amd64', engineVersion: '20.10.24', capacity, labels: { zone: 'ab'[index % 2]! } };
    yield teller.write(`node-${node(index)}`, MONITOR, { type: 'NodeRegistered', data: { nodeId: node(index), ...facts, publicKey: 'U'.padEnd(56, 'A') } });
  }
}

const specOf = (number: number): ContainerSpec => ({
  image: `docker.io/library/shop-${number % 40}:1.${number % 7}`,
  pullPolicy: 'missing',
  command: null,
  args: ['--listen', '0.0.0.0:8080'],
  env: { PORT: '8080', LOG_LEVEL: 'info', DATABASE_HOST: 'db.live.shop.internal', FEATURES: 'search,basket' },
  ports: [{ containerPort: 8080, protocol: 'tcp', hostPort: null }],
  plan: 'small',
  resources: RESOURCES,
  labels: { team: 'shop', tier: 'front' },
  constraints: [],
  restartPolicy: ALWAYS,
  healthcheck: null, ...DEFAULT_TARGETS,
});

/** One replica: where it is to be, and which run it is in. */
interface Held {
  readonly replicaId: ReplicaId;
  readonly owner: Owner;
  readonly slot: number;
  readonly nodeId: NodeId;
  run: number;
}

function* serviceLife(teller: Teller, number: number, below: Below): Generator<Written, void> {
  const id: DockerServiceId = deriveId('svc', 'bench', 'docker_service', number);
  const own = `docker_service-${id}`;
  const name = `web-${number}`;
  const owner = { type: 'docker_service', id } as const;
  let desired = 1 + below(5);
  const claim = { scope: 'docker_service', environmentId: ENVIRONMENT, name, holder: id } as const;
  yield teller.write(`project-${PROJECT}`, OPERATOR, { type: 'NameClaimed', data: { ...claim, commandId: uuid(number) } });
  yield* creation(teller, { id, name, number, desired });
  const held = yield* deployment(teller, { id, number, desired }, below);
  yield REST;
  if (below(3) === 0) {
    yield teller.write(own, OPERATOR, { type: 'DockerServiceScaled', data: { from: desired, to: desired + 1 } });
    desired += 1;
    const order = orderOf(owner, desired);
    const reason = { code: 'scale', message: `${desired} replicas of release 1 are wanted, ${desired - 1} are there` };
    yield teller.write(own, SCHEDULER, { type: 'ServiceStepTaken', data: { creates: [order], stops: [], forgets: [], reason } });
    held.push(yield* replicaUp(teller, owner, order.slot, null, below));
    yield REST;
  }
  if (below(3) === 0) {
    yield* restart(teller, held[0]!);
    yield REST;
  }
  yield teller.write(own, OPERATOR, { type: 'DockerServiceDeletionRequested', data: {} });
  const reason = { code: 'deleted', message: 'the service is being deleted' };
  yield teller.write(own, SCHEDULER, { type: 'ServiceStepTaken', data: { creates: [], stops: held.map(({ replicaId }) => ({ replicaId, reason })), forgets: [], reason } });
  for (const replica of held) yield* replicaDown(teller, replica, reason);
  yield teller.write(own, SCHEDULER, { type: 'DockerServiceDeleted', data: { name, environmentId: ENVIRONMENT, projectId: PROJECT } });
  yield teller.write(`project-${PROJECT}`, SCHEDULER, { type: 'NameReleased', data: claim });
}

interface Begun {
  readonly id: DockerServiceId;
  readonly number: number;
  readonly desired: number;
}

function* creation(teller: Teller, { id, name, number, desired }: Begun & { readonly name: string }): Generator<Written> {
  const deploymentId = deploymentOf(number);
  const deploy = DEFAULT_DEPLOY_SETTINGS;
  const hostname = `${name}.live.shop.internal`;
  yield teller.write(
    `docker_service-${id}`,
    OPERATOR,
    {
      type: 'DockerServiceCreated',
      data: { dockerServiceId: id, projectId: PROJECT, environmentId: ENVIRONMENT, networkId: NETWORK, name, hostname, kind: 'web', replicas: desired, deploy },
    },
    { type: 'ReleaseCut', data: { release: 1, spec: specOf(number) } },
    { type: 'DeploymentStarted', data: { deploymentId, kind: 'create', fromRelease: null, toRelease: 1, settings: deploy, supersedes: null } },
  );
}

function* deployment(teller: Teller, { id, number, desired }: Begun, below: Below): Generator<Written, Held[]> {
  const deploymentId = deploymentOf(number);
  const own = `deployment-${deploymentId}`;
  const owner = { type: 'docker_service', id } as const;
  const ref = { deploymentId, dockerServiceId: id, projectId: PROJECT };
  yield teller.write(own, SCHEDULER, { type: 'DeploymentOpened', data: { ...ref, toRelease: 1, startedAt: teller.now(), progressDeadlineMs: 600_000 } });
  const creates = Array.from({ length: desired }, (_, index) => orderOf(owner, index + 1));
  const wanted = { code: 'deploy', message: `${desired} replicas of release 1 are wanted, none is there` };
  yield teller.write(own, SCHEDULER, { type: 'DeploymentStepTaken', data: { ...ref, creates, stops: [], forgets: [], reason: wanted } });
  const held: Held[] = [];
  for (const { slot } of creates) {
    held.push(yield* replicaUp(teller, owner, slot, deploymentId, below));
    const progress = { running: held.length, settled: held.length, wanted: desired, deadlineAt: teller.now() };
    yield teller.write(own, SCHEDULER, { type: 'DeploymentProgressed', data: { ...ref, ...progress } });
  }
  const reason = { code: 'settled', message: `all ${desired} replicas of release 1 have stayed up for 10 s` };
  yield teller.write(own, SCHEDULER, { type: 'DeploymentClosed', data: { ...ref, outcome: 'SUCCEEDED', reason } });
  const end = { deploymentId, outcome: 'SUCCEEDED', reason, toRelease: 1, ordered: creates, stopped: [], forgotten: [] } as const;
  yield teller.write(`docker_service-${id}`, SCHEDULER, { type: 'DeploymentEnded', data: end });
  return held;
}

function* jobLife(teller: Teller, number: number, below: Below): Generator<Written, void> {
  const id: JobId = deriveId('job', 'bench', 'job', number);
  const owner = { type: 'job', id } as const;
  const asked = { jobId: id, projectId: PROJECT, environmentId: ENVIRONMENT, networkId: NETWORK, name: `migrate-${number}` };
  yield teller.write(`job-${id}`, OPERATOR, { type: 'JobCreated', data: { ...asked, spec: specOf(number), timeoutMs: 3_600_000, retries: 0, inheritsFrom: null, rerunOf: null, trigger: { type: 'manual' } } });
  yield teller.write(`job-${id}`, SCHEDULER, { type: 'JobAttemptStarted', data: { attempt: 1, replicaId: replicaIdOf(owner, 0, 1) } });
  const held = yield* replicaUp(teller, owner, 0, null, below);
  yield seen(teller, held, 'COMPLETED');
  const reason = { code: 'exited', message: 'its container ended with exit code 0' };
  yield teller.write(`job-${id}`, SCHEDULER, { type: 'JobEnded', data: { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason } });
  yield* replicaDown(teller, held, reason);
}

/** From its order to having settled. */
function* replicaUp(teller: Teller, owner: Owner, slot: number, deploymentId: DeploymentId | null, below: Below): Generator<Written, Held> {
  const replicaId = replicaIdOf(owner, slot, 1);
  const ref = { replicaId, owner };
  const chosen = below(NODES);
  const needs = { projectId: PROJECT, environmentId: ENVIRONMENT, slot, generation: 1, release: owner.type === 'job' ? null : 1, request: RESOURCES.request, ports: [], replaces: null };
  const own = `replica-${replicaId}`;
  yield teller.write(own, SCHEDULER, { type: 'ReplicaCreated', data: { ...ref, ...needs, constraints: [], deploymentId } });
  const nodes = Array.from({ length: NODES }, (_, index) => ({ nodeId: node((chosen + index) % NODES), name: `host-${(chosen + index) % NODES}`, fits: true, reasons: [], score: 90 - index }));
  const reason = { code: 'best_score', message: `host-${chosen} ranks first of ${NODES} nodes that fit, at 90: 61% of its memory and 72% of its CPU stay free` };
  yield teller.write(own, SCHEDULER, { type: 'PlacementClaimed', data: { ...ref, attempt: 1, nodeId: node(chosen), reason, nodes } });
  const placing = teller.write(`node-${node(chosen)}`, SCHEDULER, { type: 'ReplicaPlaced', data: { ...ref, ...needs, attempt: 1 } });
  yield placing;
  const word = { outcome: 'placed', reason: { code: 'placed', message: 'the node took it' }, eventId: placing.events[0]!.id } as const;
  yield teller.write(own, SCHEDULER, { type: 'PlacementSettled', data: { ...ref, attempt: 1, nodeId: node(chosen), ...word } });
  const held: Held = { ...ref, slot, nodeId: node(chosen), run: 1 };
  for (const state of ['PREPARING', 'STARTING', 'RUNNING', ...(owner.type === 'job' ? [] : ['SETTLED' as const])] as const) yield seen(teller, held, state);
  return held;
}

function* restart(teller: Teller, held: Held): Generator<Written> {
  yield seen(teller, held, 'FAILED', 137);
  held.run += 1;
  for (const state of ['STARTING', 'RUNNING', 'SETTLED'] as const) yield seen(teller, held, state);
}

function* replicaDown(teller: Teller, held: Held, reason: { code: string; message: string }): Generator<Written> {
  const { replicaId, owner, nodeId } = held;
  yield teller.write(`node-${nodeId}`, SCHEDULER, { type: 'ReplicaWantedChanged', data: { replicaId, owner, from: 'run', to: 'gone', reason } });
  if (owner.type === 'docker_service') yield seen(teller, held, 'STOPPED', 0);
  yield seen(teller, held, 'GONE');
  const why = { code: 'gone', message: 'its container is gone' };
  yield teller.write(`node-${nodeId}`, SCHEDULER, { type: 'ReplicaReleased', data: { replicaId, owner, reason: why } });
}

function seen(teller: Teller, { replicaId, owner, nodeId, run, slot }: Held, state: Exclude<RunState, 'PENDING' | 'ASSIGNED'>, exitCode: number | null = null): Written {
  const isUp = state === 'RUNNING' || state === 'SETTLED';
  const container = state === 'PREPARING' || state === 'GONE' ? null : uuid(teller.events).replaceAll('-', '').repeat(2);
  return teller.write(`replica-${replicaId}`, MONITOR, {
    type: 'ReplicaObserved',
    data: {
      replicaId,
      owner,
      nodeId,
      run,
      state,
      final: state === 'GONE' || state === 'STOPPED' || state === 'COMPLETED',
      containerId: container,
      address: isUp ? `10.192.0.${slot + 2}` : null,
      imageId: isUp ? `sha256:${'4f'.repeat(32)}` : null,
      exitCode: state === 'COMPLETED' ? 0 : exitCode,
      oomKilled: false,
      health: 'unknown',
      reason: exitCode ? { code: 'exited', message: `its container ended with exit code ${exitCode}` } : null,
      at: teller.now(),
    },
  });
}

const deploymentOf = (number: number): DeploymentId => deriveId('dep', 'bench', 'deployment', number);
const orderOf = (owner: Owner, slot: number) => ({ replicaId: replicaIdOf(owner, slot, 1), slot, generation: 1, release: 1 });
