import type { DockerServiceId, EnvironmentId, Owner } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Node, NodeEntry } from '../node/node.ts';
import { hostPortKeys } from '../node/room.ts';
import type { Placeable } from '../replica/events.ts';
import { volumesIn } from '../volume/mount.ts';
import type { Candidate, NodeForPlacement } from './candidate.ts';
import { refusals } from './filters.ts';
import { verdictOf, whyNowhere } from './place.ts';
import type { FilterName, NodeVerdict } from './verdict.ts';

/** What a service asks of a node, before it has any replica. */
export interface Demand extends Pick<Placeable, 'projectId' | 'request' | 'ports' | 'constraints' | 'volumes'>, Pick<Candidate, 'volumeNeeds'> {
  /** Whose it is, where it exists already: host ports that it holds itself don't stand in its way. */
  readonly owner?: Owner;
}

export type EverFit =
  | { readonly fits: true; readonly nodes: readonly NodeVerdict[] }
  | { readonly fits: false; readonly reason: Reason; readonly nodes: readonly NodeVerdict[] };

/** What time doesn't heal: a drained, silent or full node may take it later, a small one never. */
const LASTING: readonly FilterName[] = ['removed', 'constraint', 'volume', 'host_path', 'host_port', 'capacity'];

/** Whether as many replicas could run at all: on nodes otherwise empty, but with the host ports of others taken. For an early
 *  refusal; where no node is registered yet, nothing is known and nothing refused. With host ports each replica needs a node
 *  of its own. Codes as `place`, `host_port_spread` when there are fewer fitting nodes than replicas, and `volume_spread` when one node
 *  has to take what asks for several. */
export function couldEverFit(demand: Demand, nodes: readonly NodeForPlacement[], replicas = 1): EverFit {
  const standing = nodes.filter(({ node }) => node.status === 'registered');
  const verdicts = standing.map((on) => verdictOf(on, refusals(candidateOf(demand), { ...on, node: emptied(on.node, demand) }, LASTING)));
  const fitting = verdicts.filter(({ fits }) => fits);
  if (verdicts.length === 0) return { fits: true, nodes: verdicts };
  if (fitting.length === 0) return { fits: false, reason: whyNowhere(verdicts), nodes: verdicts };
  if (hostPortKeys(demand.ports).length > 0 && replicas > 1 && volumesIn(demand.volumes).length > 0) {
    const message = `a volume is on one node, and a host port is published once on a node: ${replicas} replicas asked, 1 can run; leave host_port out, or ask for one replica`;
    return { fits: false, reason: { code: 'volume_spread', message }, nodes: verdicts };
  }
  if (hostPortKeys(demand.ports).length > 0 && replicas > fitting.length) {
    const names = fitting.map(({ name }) => name).join(', ');
    const message = `a host port is published once on a node: ${replicas} replicas asked, ${fitting.length} fitting ${fitting.length === 1 ? 'node' : 'nodes'} (${names})`;
    return { fits: false, reason: { code: 'host_port_spread', message }, nodes: verdicts };
  }
  return { fits: true, nodes: verdicts };
}

/** Without what takes room only, and without the owner's own. */
function emptied(node: Node, { owner }: Demand): Node {
  const inTheWay = ({ placement }: NodeEntry) => placement.owner.id !== owner?.id;
  const weightless = [...node.entries].filter(([, entry]) => inTheWay(entry)).map(([id, entry]) => {
    const placement = { ...entry.placement, request: { cpuMillis: 0, memoryBytes: 0 }, replaces: null };
    return [id, { ...entry, placement }] as const;
  });
  return { ...node, entries: new Map(weightless) };
}

/** Owner of nothing yet. */
const NOBODY: Owner = { type: 'docker_service', id: 'svc_' as DockerServiceId };

/** No rule that lasts looks at who the replica is, other than at its project. */
const candidateOf = ({ projectId, request, ports, constraints, owner, volumes, volumeNeeds }: Demand): Candidate => ({
  replicaId: 'rep_',
  owner: owner ?? NOBODY,
  projectId,
  environmentId: 'env_' as EnvironmentId,
  slot: 1,
  generation: 1,
  release: null,
  request,
  ports,
  constraints,
  replaces: null,
  volumes,
  volumeNeeds,
});
