import { LABELS } from '#docker';
import { clearedFrom, place, upcast, volumesIn, type DockerServiceId, type ExistingDockerService, type NodeId, type Ordered, type PresentReplica, type ReplicaId, type VolumeNeed } from '#domain';
import { getService, replay, type DocumentDifference } from '#read-models';
import { MemoryReadModels } from '#testing';
import { Life } from '../house/life.ts';
import { LIVE_VIEWS } from '../house/parts.ts';
import { TENANT } from '../client.ts';
import { isRestless } from '../images.ts';
import type { World } from '../world.ts';
import { isHeld } from './dependency-laws.ts';
import { schedulesLeft } from './job-laws.ts';
import { lacksNetwork, namedNetworks, subnetsLeft, wronglyJoined } from './network-laws.ts';
import { volumesLeft } from './volume-laws.ts';
import { roomLeft } from './quota-laws.ts';

/** Where the house isn't at rest yet, once nothing goes wrong any more: what is wanted isn't there, what is there isn't wanted, or
 *  something has no end. None: it is. */
export function unrest(world: World): string[] {
  const expected: Expected = new Map();
  return [...services(world, expected), ...openEnds(world), ...schedulesLeft(world), ...leftOver(world, expected), ...wronglyJoined(world), ...namesLeft(world), ...subnetsLeft(world), ...volumesLeft(world), ...roomLeft(world)];
}

/** What may be on engines; `held`: and doesn't run. */
type Expected = Map<ReplicaId, 'runs' | 'may run' | 'held'>;

function services(world: World, expected: Expected): string[] {
  return [...world.ledger.services].flatMap(([id, service]) => {
    if (service.status !== 'present' || service.lifecycle === 'DELETED') return [];
    if (service.lifecycle === 'DELETING') return [`${id} is still DELETING`];
    const [open] = [...service.superseded, ...(service.activeDeployment ? [service.activeDeployment] : [])];
    if (open) return [`${id} still has ${open.deploymentId}`];
    const wanted = service.paused === 'removed' || service.stableRelease === null ? 0 : service.replicas;
    const extra = [...service.orders.replicas.values()].filter(({ slot, release }) => slot > wanted || release !== service.stableRelease).map(({ replicaId, slot, release }) => `${id} still has ${replicaId} of release ${release} in slot ${slot} of ${wanted}`);
    if (service.paused === 'held' || service.halted) {
      for (const { replicaId } of service.orders.replicas.values()) expected.set(replicaId, service.paused ? 'held' : 'may run');
      return extra;
    }
    const lacking = Array.from({ length: wanted }, (_, index) => lack(world, service, index + 1, expected)).filter((word) => word !== null);
    return [...extra, ...lacking];
  });
}

/** Why a slot isn't as it is to be; null where it is, or where nothing can be done about it. */
function lack(world: World, { orders, dockerServiceId, releases, stableRelease }: ExistingDockerService, slot: number, expected: Expected): string | null {
  const [order, ...more] = [...orders.replicas.values()].filter((each) => each.slot === slot);
  const where = `slot ${slot} of ${dockerServiceId}`;
  if (!order) return `${where} is empty`;
  if (more.length > 0) return `${where} has ${more.length + 1} replicas`;
  const replica = world.ledger.replicas.get(order.replicaId);
  if (replica?.status !== 'present') return `${where}: ${order.replicaId} is ${replica?.status ?? 'not ordered'}`;
  if (replica.finished && replica.last?.state === 'GONE') return null;
  if (!replica.placement) return fits(world, order) ? `${where}: ${order.replicaId} waits though a node fits` : null;
  const trouble = isRestless(releases.get(stableRelease!)!.image) || isHindered(world, order.replicaId);
  expected.set(order.replicaId, trouble || replica.last?.final ? 'may run' : 'runs');
  return null;
}

/** Whether any node that stands would take it, and it waits for nobody. */
function fits(world: World, { replicaId }: Ordered): boolean {
  const replica = world.ledger.replicas.get(replicaId);
  if (replica?.status !== 'present' || isHeld(world, replicaId) || lacksNetwork(world, replicaId)) return false;
  return place({ ...replica, volumeNeeds: needsOf(world, replica) }, [...world.ledger.nodes].map(([nodeId, node]) => ({ nodeId, node }))).nodeId !== null;
}

/** Where its volumes are; one that is gone is nowhere. */
function needsOf({ ledger }: World, { volumes }: PresentReplica): readonly VolumeNeed[] {
  return volumesIn(volumes).map((volumeId) => {
    const volume = ledger.volumes.get(volumeId);
    if (volume?.status !== 'present' || volume.lifecycle !== 'ACTIVE') return { name: volumeId, backend: 'local' as const, nodeId: 'node_none' as const };
    return { name: volume.name, backend: volume.backend, nodeId: volume.binding?.nodeId ?? null, clearedFrom: clearedFrom(volume) };
  });
}

/** Its engine can't start it, and says so: somebody else has its port, what it is given was deleted, or what it has written is lost. */
function isHindered(world: World, replicaId: ReplicaId): boolean {
  const replica = world.ledger.replicas.get(replicaId);
  return replica?.status === 'present' && HINDRANCES.has(replica.last?.reason?.code ?? '');
}

const HINDRANCES: ReadonlySet<string> = new Set(['host_port_taken', 'value_refused', 'volume_lost']);

function openEnds(world: World): string[] {
  const { jobs, deployments, replicas, nodes } = world.ledger;
  return [
    ...[...jobs].filter(([, job]) => job.status === 'open').map(([id]) => `${id} has no end`),
    ...[...deployments].filter(([, deployment]) => deployment.status === 'opened' && !deployment.closed).map(([id]) => `${id} has no end`),
    ...[...replicas].filter(([, replica]) => replica.status === 'present' && replica.claim).map(([id]) => `the claim of ${id} isn't settled`),
    ...[...nodes].filter(([nodeId, node]) => node.status === 'registered' && !node.reachable && isHere(world, nodeId)).map(([id]) => `${id} counts as unreachable`),
    ...[...nodes].flatMap(([nodeId, { entries }]) =>
      [...entries.values()].flatMap(({ placement: { replicaId, owner } }) => (isWanted(world, replicaId, owner.id) ? [] : [`${nodeId} still holds ${replicaId}`])),
    ),
  ];
}

const isHere = (world: World, nodeId: NodeId): boolean => [...world.nodeIds.values()].includes(nodeId);

function isWanted(world: World, replicaId: ReplicaId, ownerId: string): boolean {
  const service = world.ledger.services.get(ownerId);
  const order = service?.status === 'present' ? service.orders.replicas.get(replicaId) : undefined;
  return order !== undefined && !order.stopped;
}

function leftOver(world: World, expected: Expected): string[] {
  const here = world.containers();
  const strange = here.filter(({ replicaId }) => !expected.has(replicaId)).map(({ replicaId, host, container }) => `${replicaId} is left over on ${host.name} (${container.status})`);
  const twice = here.filter((one) => here.some((other) => other !== one && other.replicaId === one.replicaId)).map(({ replicaId, host }) => `${replicaId} is on ${host.name} and elsewhere`);
  const missing = [...expected].flatMap(([replicaId, state]) => {
    const found = here.find((each) => each.replicaId === replicaId);
    const misplaced = found && world.nodeIds.get(found.host) !== world.ledger.nodeOf(replicaId);
    if (misplaced) return [`${replicaId} is on ${found.host.name}, and placed elsewhere`];
    if (state === 'held' && found?.container.status === 'running') return [`${replicaId} runs, and its service is paused`];
    return state === 'runs' && found?.container.status !== 'running' ? [`${replicaId} is to run, and is ${found?.container.status ?? 'not there'}`] : [];
  });
  return [...strange, ...twice, ...missing];
}

/** Names are held by what is there, and by nothing else. */
function namesLeft(world: World): string[] {
  const holders = new Set([...world.ledger.projects.values()].flatMap(({ claims }) => [...claims.values()].map(({ holder }) => holder)));
  const services = [...world.ledger.services].filter(([, service]) => service.status === 'present' && service.lifecycle !== 'DELETED').map(([id]) => id);
  const volumes = [...world.ledger.volumes].filter(([, volume]) => volume.status === 'present' && volume.lifecycle !== 'DELETED').map(([id]) => id);
  const values = [...world.ledger.values].filter(([, held]) => held.status === 'present').map(([id]) => id);
  const resources = [...world.ledger.resources].filter(([, { status }]) => status === 'present').map(([id]) => id);
  const projects = [...world.ledger.projects].filter(([id, { status }]) => id !== 'platform' && status === 'present').map(([id]) => id);
  const there = new Set<string>([...services, ...volumes, ...values, ...resources, ...projects, ...namedNetworks(world)]);
  return [
    ...[...there].filter((id) => !holders.has(id)).map((id) => `${id} has lost its name`),
    ...[...holders].filter((id) => !there.has(id)).map((id) => `a name is held by ${id}, which isn't there`),
  ];
}

/** Where what clients are answered from isn't what the log says, and doesn't come to be. */
export const wrongViews = (world: World): Promise<string[]> => lasting(world, differencesNow);

/** Where a gateway says that more or less of a service runs than does, and goes on saying so. */
export const wrongAnswers = (world: World): Promise<string[]> => lasting(world, answersNow);

async function lasting(world: World, look: (world: World) => Promise<string[]>): Promise<string[]> {
  let wrong = await look(world);
  for (let again = 0; again < 6 && wrong.length > 0; again += 1) {
    await world.timeline.pass(10_000);
    wrong = await look(world);
  }
  return wrong;
}

async function answersNow(world: World): Promise<string[]> {
  const wrong: string[] = [];
  for (const [{ name }, { reads }] of world.gateways) {
    for (const [id, service] of world.ledger.services) {
      // What crashes again and again is another at every look, and what follows a version that there was room for only now rolls.
      if (service.status !== 'present' || service.activeDeployment || [...service.releases.values()].some(({ image }) => isRestless(image))) continue;
      const answer = await getService(reads, TENANT, id as DockerServiceId);
      const { running: said = 0, desired = 0, finished = 0 } = answer?.replicas ?? {};
      const running = world.containers().filter(({ ownerId, container }) => ownerId === id && container.status === 'running');
      if (said !== running.length) wrong.push(`${name} says that ${said} of ${id} run, and ${running.length} do`);
      const right = running.filter(({ container }) => container.labels[LABELS.release] === String(service.stableRelease)).length;
      if (answer?.status === 'RUNNING' && right < desired - finished) wrong.push(`${name} says that ${id} is RUNNING, and ${right} of release ${service.stableRelease} do`);
    }
  }
  return wrong;
}

async function differencesNow(world: World): Promise<string[]> {
  const differences: DocumentDifference[] = [];
  const store = world.shelf.open(new Life(world.timeline, 'replay'), 30);
  const replayed = replay({ store, live: world.models, fresh: new MemoryReadModels(), views: LIVE_VIEWS, upcast, onDifference: (difference) => differences.push(difference) });
  let over = false;
  void replayed.finally(() => (over = true)).catch(() => undefined);
  for (let waited = 0; waited < 600 && !over; waited += 1) await world.timeline.pass(10);
  if (!over) return ['the replay comes to no end'];
  const views = await replayed;
  return [
    ...views.flatMap(({ view, position }) => {
      const { prefixes = [''] } = LIVE_VIEWS.find(({ schema }) => schema.view === view)!;
      const due = world.shelf.log.findLast(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
      return due && (position ?? '') < due.position ? [`${view} stands at ${position}, and ${due.position} is of its streams`] : [];
    }),
    ...differences.map(({ view, id, path, live, replayed: due }) => `${view} ${id} ${path}: ${JSON.stringify(live)} instead of ${JSON.stringify(due)}`),
  ];
}
