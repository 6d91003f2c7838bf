import type { Health, Lifecycle, NodeId, Reason, ReplicaFacts, ReplicaId, ReplicaOrder, RunState, ServiceFacts, StatusOfService, Step } from '#domain';
import { neediestReplica, serviceStatus } from '#domain';
import type { Of } from '../view.ts';

/** A replica as its service's document keeps it: what the status, the nodes and the endpoints of the service are computed from. */
export interface ServiceMember {
  readonly replica_id: ReplicaId;
  readonly slot: number;
  readonly generation: number;
  readonly release: number;
  readonly state: RunState;
  /** By its check; `unknown` without one, and while it doesn't run. */
  readonly health: Health;
  readonly run: number;
  readonly final: boolean;
  readonly ever_failed: boolean;
  /** Why it was ordered to stop; null while it is wanted. */
  readonly stopping: Reason | null;
  readonly node_id: NodeId | null;
  readonly reason: Reason | null;
}

/** Every replica that was ordered and not forgotten since, by its id. */
export type ServiceMembers = Readonly<Record<string, ServiceMember>>;

/** What of a service's document its status follows from. */
export interface Standing {
  readonly lifecycle: Lifecycle;
  readonly paused: { readonly containers: 'held' | 'removed' } | null;
  readonly releases: Readonly<Record<string, { readonly restart_policy: { readonly on_exhausted: 'fail' | 'replace' } }>>;
  readonly desired: number;
  readonly stable_release: number | null;
  readonly active_deployment: {
    readonly deployment_id: string;
    readonly to_release: number;
    /** It goes back to the stable release. */
    readonly returning: boolean;
  } | null;
  readonly halted: Reason | null;
  readonly members: ServiceMembers;
}

/** The target of the deployment that moves forward, else the last stable release; null with neither. */
export const currentRelease = ({ active_deployment, stable_release }: Pick<Standing, 'active_deployment' | 'stable_release'>): number | null =>
  active_deployment && !active_deployment.returning ? active_deployment.to_release : stable_release;

/** The status of a service whose replicas on `silent` nodes don't count. */
export const statusOf = (standing: Standing, silent: (nodeId: NodeId) => boolean): StatusOfService => serviceStatus(factsOf(standing, silent));

/** The member that the status tells of; null where none keeps the service from running. */
export function neediestMember(standing: Standing, silent: (nodeId: NodeId) => boolean): ServiceMember | null {
  const facts = factsOf(standing, silent);
  const told = neediestReplica(facts);
  return told && Object.values(standing.members)[facts.replicas.indexOf(told)]!;
}

/** What a step orders: new members, some to be stopped, others dropped. The same step again changes nothing. */
export function takeStep(members: ServiceMembers, { creates, stops, forgets }: Pick<Step, 'creates' | 'stops' | 'forgets'>): ServiceMembers {
  const next: Record<string, ServiceMember> = { ...members };
  for (const order of creates) next[order.replicaId] ??= ordered(order);
  for (const { replicaId, reason } of stops) {
    const member = next[replicaId];
    if (member) next[replicaId] = { ...member, stopping: member.stopping ?? reason };
  }
  for (const replicaId of forgets) delete next[replicaId];
  return next;
}

/** One member changed, if it is one still: of a forgotten replica nothing more is kept. */
export function change(members: ServiceMembers, replicaId: ReplicaId, how: (member: ServiceMember) => Partial<ServiceMember>): ServiceMembers {
  const member = members[replicaId];
  return member ? { ...members, [replicaId]: { ...member, ...how(member) } } : members;
}

/** A node's word on a claim: placed, it stands there; else it waits, and says why. */
export const settled = ({ data: { outcome, nodeId, reason } }: Of<'PlacementSettled'>): Partial<ServiceMember> =>
  outcome === 'placed' ? { state: 'ASSIGNED', node_id: nodeId, reason: null } : { reason };

/** What was seen of it. A reason stands for as long as it isn't up again. */
export const observed =
  ({ data }: Of<'ReplicaObserved'>) =>
  (member: ServiceMember): Partial<ServiceMember> => ({
    state: data.state,
    health: data.health,
    run: data.run,
    final: data.final,
    node_id: data.nodeId,
    ever_failed: member.ever_failed || data.state === 'FAILED' || (data.state === 'COMPLETED' && !data.final),
    reason: reasonAfter(member.reason, data),
  });

/** Why a replica is as it is, after an observation: what that one says; an end that says nothing keeps what was said before. */
export const reasonAfter = (before: Reason | null, { state, reason }: { state: RunState; reason: Reason | null }): Reason | null =>
  reason ?? (ENDED.has(state) ? before : null);

const ENDED: ReadonlySet<RunState> = new Set<RunState>(['COMPLETED', 'FAILED', 'STOPPED', 'GONE']);

const ordered = ({ replicaId, slot, generation, release }: ReplicaOrder): ServiceMember => ({
  replica_id: replicaId,
  slot,
  generation,
  release,
  state: 'PENDING',
  health: 'unknown',
  run: 0,
  final: false,
  ever_failed: false,
  stopping: null,
  node_id: null,
  reason: null,
});

function factsOf(standing: Standing, silent: (nodeId: NodeId) => boolean): ServiceFacts {
  return {
    lifecycle: standing.lifecycle,
    paused: standing.paused?.containers ?? null,
    desired: standing.desired,
    currentRelease: currentRelease(standing),
    halted: standing.halted,
    deploymentActive: standing.active_deployment !== null,
    replacesExhausted: standing.releases[currentRelease(standing) ?? 0]?.restart_policy.on_exhausted === 'replace',
    replicas: Object.values(standing.members).map((member): ReplicaFacts => ({
      slot: member.slot,
      release: member.release,
      state: member.state,
      health: member.health,
      final: member.final,
      everFailed: member.ever_failed,
      stopping: member.stopping !== null,
      silent: member.node_id !== null && silent(member.node_id),
      reason: member.reason,
    })),
  };
}

