import type { NewDockerService } from '#application';
import {
  couldEverFit, isSame, jobSpecOf, Rejection, surgeRefusal, workingRelease,
  type ContainerSpec, type Demand, type DeploySettings, type ExistingDockerService, type Node, type NodeForPlacement, type ProjectId, type RejectionKind,
} from '#domain';

/** Says at once what would otherwise be a service's reason for never running. It looks at what this gateway has read of the
 *  nodes: what it lets through wrongly, the scheduler finds.
 *  @throws Rejection `placement.host_port`, `placement.host_port_spread`, `placement.capacity`, `placement.constraint`,
 *  `placement.volume`, `placement.volume_spread`, `placement.host_path`,
 *  `placement.no_node_fits`; its facts say what every node was found to be. */
export function refuseWhatCanNeverRun(nodes: readonly Node[], { projectId, spec, replicas, volumeNeeds }: Pick<NewDockerService, 'projectId' | 'spec' | 'replicas'> & Pick<Demand, 'volumeNeeds'>): void {
  refuse(nodes, { ...demandOf(projectId, spec), volumeNeeds }, replicas);
}

/** What a service is changed to. */
export interface ChangedService extends Pick<Demand, 'volumeNeeds'> {
  readonly replicas?: number;
  readonly deploy?: DeploySettings;
  readonly spec?: ContainerSpec;
}

/** The same for a service that is there, whose own ports and room don't stand in its way; and its roll, where it makes one.
 *  @throws Rejection as above, and `docker_service.surge_does_not_fit` */
export function refuseChangeThatCanNeverRun(nodes: readonly Node[], service: ExistingDockerService, { replicas = service.replicas, deploy, spec, volumeNeeds }: ChangedService): void {
  const standing = specOf(service);
  const next = spec ?? standing;
  if (replicas > service.replicas || !isSame(ownDemand(service, next), ownDemand(service, standing))) refuse(nodes, { ...ownDemand(service, next), volumeNeeds }, replicas);
  if (spec && !isSame(spec, standing)) refuseSurgeBeyondHostPorts(nodes, { ...service, replicas }, { spec, settings: deploy ?? service.deploy });
}

/** A roll that starts new replicas before old ones have stopped needs a node more for each, where a host port is published.
 *  @throws Rejection `docker_service.surge_does_not_fit` with the way out */
export function refuseSurgeBeyondHostPorts(
  nodes: readonly Node[],
  service: ExistingDockerService,
  { spec = specOf(service), settings = {} }: { readonly spec?: ContainerSpec; readonly settings?: Partial<DeploySettings> } = {},
): void {
  if (service.lifecycle !== 'ACTIVE' || service.stableRelease === null) return;
  const refusal = surgeRefusal({ ...service.deploy, ...settings }, service.replicas, ownDemand(service, spec), nodes.flatMap(forPlacement));
  if (refusal) throw new Rejection('conflict', 'docker_service.surge_does_not_fit', refusal.message);
}

/** More replicas than nodes can publish a host port once each. @throws Rejection `placement.host_port_spread` */
export function refuseScaleBeyondHostPorts(nodes: readonly Node[], service: ExistingDockerService, replicas: number): void {
  const spec = specOf(service);
  if (replicas <= service.replicas || !spec.ports.some(({ hostPort }) => hostPort !== null)) return;
  refuse(nodes, ownDemand(service, spec), replicas);
}

/** A container, and whose it would be. */
interface AskedContainer extends Pick<Demand, 'projectId' | 'volumeNeeds'> {
  readonly spec: ContainerSpec;
}

/** The same for a job, which is one container. @param at where it stands in the body. */
export const refuseJobThatCanNeverRun = (nodes: readonly Node[], { projectId, spec, volumeNeeds }: AskedContainer, at = ''): void => refuse(nodes, { ...demandOf(projectId, spec), volumeNeeds }, 1, at);

/** Hooks that mount something of their own. @param at where the settings stand in the body. */
export function refuseHooksThatCanNeverRun(nodes: readonly Node[], { projectId, spec }: AskedContainer, { preDeploy, postDeploy }: Partial<DeploySettings>, at = ''): void {
  for (const [field, hook] of [['pre_deploy', preDeploy], ['post_deploy', postDeploy]] as const) {
    if (hook?.overrides.volumes) refuseJobThatCanNeverRun(nodes, { projectId, spec: jobSpecOf(spec, hook.overrides) }, `${at}/${field}`);
  }
}

const demandOf = (projectId: ProjectId, { resources, ports, constraints, volumes }: ContainerSpec): Demand => ({ projectId, request: resources.request, ports, constraints, volumes });

const ownDemand = ({ dockerServiceId, projectId }: ExistingDockerService, spec: ContainerSpec): Demand => ({ ...demandOf(projectId, spec), owner: { type: 'docker_service', id: dockerServiceId } });

const specOf = (service: ExistingDockerService): ContainerSpec => service.releases.get(workingRelease(service))!;

function refuse(nodes: readonly Node[], demand: Demand, replicas: number, at = ''): void {
  const fit = couldEverFit(demand, nodes.flatMap(forPlacement), replicas);
  if (fit.fits) return;
  const { kind, code } = REFUSALS[fit.reason.code] ?? ELSE;
  const pointer = FIELDS[fit.reason.code]?.(demand);
  throw new Rejection(kind, code, fit.reason.message, { nodes: fit.nodes, ...(pointer === undefined ? {} : { pointer: `${at}${pointer}` }) });
}

/** What in a body stood in the way. */
const FIELDS: Readonly<Record<string, (demand: Demand) => string>> = {
  host_port: ({ ports }) => `/ports/${ports.findIndex(({ hostPort }) => hostPort !== null)}/host_port`,
  host_port_spread: () => '/replicas',
  capacity: () => '/resources',
  constraint: () => '/constraints',
  volume: () => '/volumes',
  volume_spread: () => '/replicas',
  host_path: ({ volumes = [] }) => `/volumes/${volumes.findIndex(({ type }) => type === 'host_path')}/host_path`,
};

/** Somebody else's port is in the way today; what no node is large enough for, or no label matches, is wrong in the request. */
const REFUSALS: Readonly<Record<string, { readonly kind: RejectionKind; readonly code: string }>> = {
  host_port: { kind: 'conflict', code: 'placement.host_port' },
  host_port_spread: { kind: 'conflict', code: 'placement.host_port_spread' },
  capacity: { kind: 'invalid', code: 'placement.capacity' },
  constraint: { kind: 'invalid', code: 'placement.constraint' },
  volume: { kind: 'conflict', code: 'placement.volume' },
  volume_spread: { kind: 'conflict', code: 'placement.volume_spread' },
  host_path: { kind: 'invalid', code: 'placement.host_path' },
};
/** Each node has another reason. */
const ELSE = { kind: 'conflict', code: 'placement.no_node_fits' } as const;

const forPlacement = (node: Node): NodeForPlacement[] => (node.nodeId === null ? [] : [{ nodeId: node.nodeId, node }]);
