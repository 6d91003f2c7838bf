import type { AssignedVolume, Assignment, AssignmentSet, HistoryPoint } from '#contracts';
import type { ContainerSpec, Node, NodeEntry, NodeId, Observation, ReplicaId } from '#domain';

/** What an entry of a node's stream needs beside itself: frozen with a release or a job, but for the networks' subnets and `last`. */
export interface AssignmentSource {
  readonly spec: ContainerSpec;
  readonly networks: Assignment['networks'];
  readonly minHealthyMs: number;
  readonly healthyDeadlineMs: number | null;
  readonly timeoutMs: number | null;
  /** The last observation in the log. */
  readonly last: Observation | null;
}

/** All that a set is made of, read from streams. */
export interface SetSources {
  readonly storeId: string;
  readonly nodeId: NodeId;
  readonly node: Node;
  /** Where the node's stream stood for `node`. */
  readonly head: HistoryPoint;
  readonly base: AssignmentSet['base'];
  readonly adoption: string | null;
  readonly sources: ReadonlyMap<ReplicaId, AssignmentSource>;
  /** Left out: none. */
  readonly volumes?: readonly AssignedVolume[];
}

/** SIGTERM to SIGKILL. */
const GRACE_MS = 10_000;

/** The complete set of a node, in the order of placement.
 *  @throws Error when an entry's source is lacking: an agent takes what isn't in its set for unwanted, so none may be left out. */
export const buildSet = ({ storeId, nodeId, node, head, base, adoption, sources, volumes = [] }: SetSources): AssignmentSet => ({
  storeId,
  nodeId,
  head,
  base,
  adoption,
  entries: [...node.entries.values()].map((entry) => assignmentOf(entry, sources.get(entry.placement.replicaId))),
  ...(volumes.length > 0 ? { volumes } : {}),
});

function assignmentOf({ placement, wanted }: NodeEntry, source: AssignmentSource | undefined): Assignment {
  const { replicaId, owner, projectId, environmentId, slot, generation, release, replaces } = placement;
  if (!source) throw new Error(`nothing is known of ${replicaId}, which its node holds`);
  const { spec, networks, minHealthyMs, healthyDeadlineMs, timeoutMs, last } = source;
  return {
    replicaId,
    owner,
    projectId,
    environmentId,
    slot,
    generation,
    release,
    wanted,
    replaces,
    networks,
    spec,
    minHealthyMs,
    healthyDeadlineMs,
    timeoutMs,
    graceMs: GRACE_MS,
    last: last && lastOf(last),
  };
}

const lastOf = ({ run, state, final, health, healthChange, at }: Observation): NonNullable<Assignment['last']> => ({
  run, state, final, ...(health === 'unknown' ? {} : { health }), ...(healthChange ? { healthChange } : {}), at,
});
