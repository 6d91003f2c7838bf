import type { Assignment, Attachment } from '#contracts';
import { injectedInto, type ProjectId } from '#domain';
import { checkHostConfig, ForbiddenConfig, hostConfigOf, type HostConfig } from './host-config.ts';
import { mountsOf, type FileMount } from './mounts.ts';
import { containerName, LABELS, networkName, SYSTEM_LABEL_PREFIX } from './names.ts';
import type { ContainerPlan, JoinPlan, NetworkPlan } from './runtime.ts';

/** What this engine and this installation add to an assignment. */
export interface Host {
  readonly installation: string;
  /** Cores of the host. */
  readonly cpus: number;
  /** The host's address that published ports are bound to. */
  readonly publishOn: string;
}

/** What an agent adds that no assignment has: values, as env or as files that it has put down. */
export interface GivenValues {
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly FileMount[];
}

const NOTHING_GIVEN: GivenValues = { env: {}, mounts: [] };

/** A container's place in a network. `Links` (`<name>:<other name>`): names that only this container knows, each for whatever answers to the first one there. */
export interface Endpoint {
  readonly Aliases: readonly string[];
  readonly Links?: readonly string[];
}

/** The engine's create options, as far as we ever use them. */
export interface ContainerConfig {
  readonly Image: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  /** Left out: the image's. */
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, Record<never, never>>>;
  /** Seconds, for whoever stops it by hand. */
  readonly StopTimeout: number;
  readonly HostConfig: HostConfig;
  readonly NetworkingConfig: { readonly EndpointsConfig: Readonly<Record<string, Endpoint>> };
}

/** Compiles an assignment to what the engine is asked for. Pure: the same assignment and values on the same host give the same plan. */
export function containerPlanOf(assignment: Assignment, host: Host, given: GivenValues = NOTHING_GIVEN): ContainerPlan & { readonly config: ContainerConfig } {
  const { spec } = assignment;
  const first = firstJoin(assignment, host.installation);
  const { name: network } = first;
  return {
    name: containerName(host.installation, assignment.replicaId),
    config: {
      Image: spec.image,
      Env: Object.entries({ ...given.env, ...spec.env }).map(([name, value]) => `${name}=${value}`),
      Labels: labelsOf(assignment, host.installation),
      ...commandOf(spec.command, spec.args),
      ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}])),
      StopTimeout: Math.ceil(assignment.graceMs / 1000),
      HostConfig: hostConfigOf(spec.resources, spec.ports, { network, publishOn: host.publishOn, cpus: host.cpus, mounts: [...mountsOf(spec.volumes, host.installation), ...given.mounts], hosts: hostsOf(spec) }),
      NetworkingConfig: { EndpointsConfig: { [network]: endpointOf(first) } },
    },
  };
}

/** The networks of a container, as the engine is to have them: the first is the one that it is made in. */
export const networkPlansOf = (assignment: Assignment, installation: string): readonly NetworkPlan[] =>
  assignment.networks.map(({ networkId, subnet }) => ({ name: networkName(installation, networkId), networkId, subnet }));

/** Those that it joins once it is made: engines before 25 make a container in one network at most
 *  (https://docs.docker.com/reference/api/engine/version-history/: v1.44). */
export const joinPlansOf = ({ networks: [, ...further] }: Assignment, installation: string): readonly JoinPlan[] =>
  further.map((attachment) => joinPlanOf(attachment, installation));

function firstJoin({ replicaId, networks: [first] }: Assignment, installation: string): JoinPlan {
  if (!first) throw new ForbiddenConfig(`${replicaId} is in no network`);
  return joinPlanOf(first, installation);
}

const joinPlanOf = ({ networkId, aliases, links }: Attachment, installation: string): JoinPlan => ({ name: networkName(installation, networkId), aliases, ...(links ? { links } : {}) });

/** As the engine is asked for it. */
export const endpointOf = ({ aliases, links }: JoinPlan): Endpoint => ({ Aliases: [...aliases], ...(links ? { Links: [...links] } : {}) });

/** Checks a whole plan against the allow-list, whoever compiled it: its keys, its one network, its HostConfig, its label.
 *  @param hostPaths whether a project's container may mount a folder of the host; default: none.
 *  @throws ForbiddenConfig */
export function checkContainerPlan(plan: ContainerPlan, installation: string, hostPaths: (path: string, projectId: ProjectId) => boolean = () => false): asserts plan is ContainerPlan & { config: ContainerConfig } {
  const config = plan.config as Partial<Record<string, unknown>>;
  const unknown = Object.keys(config).filter((key) => !CONFIG_KEYS.has(key));
  if (unknown.length > 0) throw new ForbiddenConfig(`${unknown.join(', ')}: not allowed`);
  const networks = Object.keys((config['NetworkingConfig'] as ContainerConfig['NetworkingConfig'] | undefined)?.EndpointsConfig ?? {});
  const [network] = networks;
  if (networks.length !== 1 || network === undefined || !network.startsWith(networkName(installation, ''))) {
    throw new ForbiddenConfig(`a container is in made in exactly one network of its installation, not in [${networks.join(', ')}]`);
  }
  const labels = config['Labels'] as Record<string, string> | undefined;
  if (labels?.[LABELS.installation] !== installation) throw new ForbiddenConfig(`the label ${LABELS.installation} has to be ${installation}`);
  const projectId = labels[LABELS.projectId] as ProjectId;
  checkHostConfig(config['HostConfig'], { network, installation, hostPaths: (path) => hostPaths(path, projectId), files: `${installation}/${labels[LABELS.replicaId]}` });
}

const CONFIG_KEYS = new Set(['Image', 'Env', 'Labels', 'Entrypoint', 'Cmd', 'ExposedPorts', 'StopTimeout', 'HostConfig', 'NetworkingConfig']);

/** A command replaces the image's ENTRYPOINT and drops its CMD. An empty CMD has to be said, else the image's own comes in
 *  (https://docs.docker.com/reference/api/engine/: `Cmd`); args alone keep the ENTRYPOINT. */
function commandOf(command: readonly string[] | null, args: readonly string[] | null): Pick<ContainerConfig, 'Entrypoint' | 'Cmd'> {
  if (command !== null) return { Entrypoint: command, Cmd: args ?? [] };
  return args === null ? {} : { Cmd: args };
}

function labelsOf(assignment: Assignment, installation: string): Record<string, string> {
  const own = Object.entries(assignment.spec.labels).filter(([name]) => !name.toLowerCase().startsWith(SYSTEM_LABEL_PREFIX));
  return {
    ...Object.fromEntries(own),
    [LABELS.installation]: installation,
    [LABELS.replicaId]: assignment.replicaId,
    [LABELS.ownerType]: assignment.owner.type,
    [LABELS.ownerId]: assignment.owner.id,
    [LABELS.projectId]: assignment.projectId,
    [LABELS.environmentId]: assignment.environmentId,
    [LABELS.slot]: String(assignment.slot),
    [LABELS.generation]: String(assignment.generation),
    [LABELS.release]: assignment.release === null ? '' : String(assignment.release),
    [LABELS.networkId]: assignment.networks.map(({ networkId }) => networkId).join(','),
    ...secretNames(assignment.spec),
  };
}

/** Of its secrets, and of what dependencies put into its environment that holds a password. */
function secretNames(spec: Assignment['spec']): Record<string, string> {
  const names = [...(spec.secrets ?? []).map(({ key }) => key), ...injectedInto(spec).flatMap(({ name, value }) => (value === null ? [name] : []))];
  return names.length === 0 ? {} : { [LABELS.secrets]: names.join(',') };
}

/** What no DNS knows. */
const hostsOf = ({ dependencies = [] }: Assignment['spec']): readonly string[] => [...new Set(dependencies.flatMap(({ target }) => (target?.address ? [`${target.hostname}:${target.address}`] : [])))];
