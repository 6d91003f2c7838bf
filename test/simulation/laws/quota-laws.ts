import {
  addAmounts, heldRoom, isWithin, jobRoom, NO_AMOUNTS, NO_QUOTA, parseStream, QUOTA_RESOURCES, reservedBy, sameAmounts, serviceRoom, settledRoom,
  type DockerServiceId, type ExistingDockerService, type HeldReplica, type JobId, type Project, type QuotaAmounts, type Quotas, type ReplicaId, type ReplicaOrder, type Step,
} from '#domain';
import { project as projectRules, type ProjectEvent } from '#domain';
import type { Recorded } from '#event-store';
import type { World } from '../world.ts';
import type { Ledger } from './ledger.ts';
import type { Truths } from './truths.ts';

/** What must hold of quotas; `ledger` lacks the event yet. */
export const QUOTA_LAWS = {
  'no more is reserved than a quota allows': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    const before = ledger.projects.get(parseStream(stream).id);
    if (type !== 'RoomReserved' || !before) return null;
    const { countsFor } = data as Extract<ProjectEvent, { type: 'RoomReserved' }>['data'];
    const after = projectRules.evolve(before, { type, data } as ProjectEvent);
    const ofProject = beyond(before.quotas.quota, before.quotas.reserved, after.quotas.reserved);
    const ofService = countsFor && beyond(before.quotas.ofServices.get(countsFor) ?? NO_QUOTA, reservedBy(before.quotas, countsFor), reservedBy(after.quotas, countsFor));
    return ofProject ?? (ofService || null);
  },

  'what is reserved is what the holders hold': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    const before = ledger.projects.get(parseStream(stream).id);
    if ((type !== 'RoomSettled' && type !== 'RoomReleased') || !before) return null;
    const { quotas } = projectRules.evolve(before, { type, data } as ProjectEvent);
    const sum = [...quotas.holdings.values()].map(heldRoom).reduce(addAmounts, NO_AMOUNTS);
    return sameAmounts(sum, quotas.reserved) ? null : `${JSON.stringify(quotas.reserved)} are said to be reserved, and ${JSON.stringify(sum)} are held`;
  },

  'what is ordered of a service was reserved': ({ type, stream, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    if (type !== 'ServiceStepTaken' && type !== 'DeploymentStepTaken') return null;
    const step = data as Step & { readonly dockerServiceId?: DockerServiceId };
    if (!step.creates.length) return null;
    const service = ledger.services.get(step.dockerServiceId ?? parseStream(stream).id);
    if (service?.status !== 'present') return null;
    // A deployment's step isn't fenced by the service: a scheduler that stood still orders what was wanted, and reserved, before it was scaled down.
    if (type === 'DeploymentStepTaken' && ledger.rolls.wantedSince(service.dockerServiceId, truths.now()).most > service.replicas) return null;
    const held = reservationOf(ledger, service);
    const stopping = new Set(step.stops.map(({ replicaId }) => replicaId));
    // Whoever was stopped before anybody saw him is counted when the service is settled next: a deployment had room for him, and may be over.
    const seen = ordersOf(ledger, service, mayRun).filter(({ isStopped, replicaId }) => !isStopped || wasSeen(ledger, replicaId));
    const orders = [...seen, ...step.creates.map((order) => ({ ...order, isStopped: false, isNew: true }))].map((each) => ({ ...each, isStopped: each.isStopped || stopping.has(each.replicaId) }));
    // At rest it would need just what is live.
    const needed = serviceRoom({ ...service, activeDeployment: null, stableRelease: null }, inRows(ledger, orders));
    return !held || isWithin({ ...needed, replicas: 0 }, held) ? null : `${service.dockerServiceId} has ${JSON.stringify(held)} reserved, and comes to ${JSON.stringify(needed)}`;
  },

  'a job is tried when its room is reserved': ({ type, stream }: Recorded, ledger: Ledger): string | null => {
    const job = ledger.jobs.get(parseStream(stream).id as JobId);
    if (type !== 'JobAttemptStarted' || job?.status !== 'open') return null;
    const { trigger, projectId, jobId, spec } = job.definition;
    if (trigger.type !== 'manual' && trigger.type !== 'schedule') return null;
    const holding = ledger.projects.get(projectId)?.quotas.holdings.get(jobId);
    return holding && isWithin(jobRoom(spec), heldRoom(holding)) ? null : `${jobId} has nothing reserved`;
  },
} as const;

function beyond(quota: Quotas['quota'], before: QuotaAmounts, after: QuotaAmounts): string | null {
  const over = QUOTA_RESOURCES.find((resource) => quota[resource] !== null && after[resource] > before[resource] && after[resource] > quota[resource]!);
  return over ? `${after[over]} of ${over} are reserved, and ${quota[over]} are allowed` : null;
}

const reservationOf = (ledger: Ledger, { projectId, dockerServiceId }: ExistingDockerService): QuotaAmounts | null => {
  const holding = ledger.projects.get(projectId)?.quotas.holdings.get(dockerServiceId);
  return holding ? heldRoom(holding) : null;
};

type Ordered = HeldReplica & Pick<ReplicaOrder, 'generation'>;

/** One waits for all that came before it in its place, also where the one between has ended; and, of several that wait for the same one, which has
 *  ended, for the one that was to come before. */
function inRows({ rolls }: Ledger, orders: readonly Ordered[]): readonly HeldReplica[] {
  const known = new Set(orders.map(({ replicaId }) => replicaId));
  const chainOf = (replaces: ReplicaId | undefined): readonly ReplicaId[] => (replaces ? [replaces, ...chainOf(rolls.origins.get(replaces)?.order.replaces)] : []);
  return orders.map((order) => {
    const chain = chainOf(order.replaces);
    const besides = orders.filter(({ slot, generation, replaces }) => slot === order.slot && generation < order.generation && replaces && chain.includes(replaces));
    return { ...order, replaces: chain.find((id) => known.has(id)) ?? besides.sort((a, b) => b.generation - a.generation)[0]?.replicaId };
  });
}

type Which = (ledger: Ledger, replicaId: ReplicaId) => boolean;

function ordersOf(ledger: Ledger, { dockerServiceId, activeDeployment }: ExistingDockerService, which: Which): readonly Ordered[] {
  const deployment = activeDeployment && ledger.deployments.get(activeDeployment.deploymentId);
  const own = deployment?.status === 'opened' ? deployment.orders.replicas : new Map();
  return [...ledger.ordersOf(dockerServiceId).values()].filter(({ replicaId }) => which(ledger, replicaId)).map(({ stopped, ...order }) => ({ ...order, isStopped: stopped !== null, isNew: own.has(order.replicaId) }));
}

/** A container of it is there or may come, and its agent hasn't given it up. What a node had is given up with the node. */
const mayRun: Which = (ledger, replicaId) => {
  const replica = ledger.replicas.get(replicaId);
  const nodeId = ledger.nodeOf(replicaId);
  if (nodeId !== null && ledger.nodes.get(nodeId)?.status === 'removed') return false;
  return replica?.status !== 'abandoned' && !(replica?.status === 'present' && (replica.last?.state === 'GONE' || replica.last?.final));
};

const wasSeen: Which = (ledger, replicaId) => {
  const replica = ledger.replicas.get(replicaId);
  return replica?.status === 'present' && replica.last !== null;
};

/** Its node hasn't released it. */
const lingers: Which = (ledger, replicaId) => {
  const replica = ledger.replicas.get(replicaId);
  if (replica?.status !== 'present') return replica?.status !== 'abandoned';
  const nodeId = ledger.nodeOf(replicaId);
  return replica.last?.state !== 'GONE' || (nodeId !== null && ledger.nodes.get(nodeId)?.entries.has(replicaId) === true);
};

const settledOf = (ledger: Ledger, service: ExistingDockerService, held: QuotaAmounts): QuotaAmounts =>
  settledRoom(service, held, { running: ordersOf(ledger, service, mayRun), lingering: ordersOf(ledger, service, lingers) });

/** At rest everything holds what it needs, and what isn't there holds nothing. */
export function roomLeft({ ledger }: World): string[] {
  return [...ledger.projects.values()].flatMap(({ quotas }: Project) => [...quotas.holdings].flatMap(([holder, holding]) => wrongHolding(ledger, holder, heldRoom(holding)) ?? [])).concat(
    [...ledger.services.values()].flatMap((service) => {
      if (service.status !== 'present' || service.lifecycle === 'DELETED') return [];
      const needed = settledOf(ledger, service, NO_AMOUNTS);
      return reservationOf(ledger, service) || sameAmounts(needed, NO_AMOUNTS) ? [] : [`${service.dockerServiceId} needs ${JSON.stringify(needed)}, and holds nothing`];
    }),
  );
}

function wrongHolding(ledger: Ledger, holder: string, held: QuotaAmounts): string | null {
  const service = ledger.services.get(holder);
  if (service?.status === 'present' && service.lifecycle !== 'DELETED') {
    const needed = settledOf(ledger, service, held);
    return sameAmounts(needed, held) ? null : `${holder} holds ${JSON.stringify(held)}, and needs ${JSON.stringify(needed)}`;
  }
  if (ledger.jobs.get(holder as JobId)?.status === 'open' || holder.startsWith('vol_')) return null;
  return `${holder} holds ${JSON.stringify(held)}, and isn't there`;
}
