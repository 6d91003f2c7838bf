import type { Assignment } from '#contracts';
import { checkHostConfig, ForbiddenConfig, hostConfigOf, type HostConfig } from './host-config.ts';
import { mountsOf, type FileMount } from './mounts.ts';
import { containerName, LABELS, networkName, SYSTEM_LABEL_PREFIX } from './names.ts';
import type { ContainerPlan, NetworkPlan } from './runtime.ts';

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
  readonly NetworkingConfig: { readonly EndpointsConfig: Readonly<Record<string, { readonly Aliases: readonly string[] }>> };
}

/** Compiles an assignment to what the engine is asked for. Pure: the same assignment and values on the same host give the same plan. */
export function containerPlanOf(assignment: Assignment, host: Host, given: GivenValues = NOTHING_GIVEN): ContainerPlan & { readonly config: ContainerConfig } {
  const { spec } = assignment;
  const network = networkName(host.installation, assignment.network.networkId);
  return {
    name: containerName(host.installation, assignment.replicaId),
    config: {
      Image: spec.image,
      Env: Object.entries({ ...given.env, ...spec.env }).map(([name, value]) => `${name}=${value}`),
      Labels: labelsOf(assignment, host.installation),
      ...commandOf(spec.command, spec.args),
      ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}])),
      StopTimeout: Math.ceil(assignment.graceMs / 1000),
      HostConfig: hostConfigOf(spec.resources, spec.ports, { network, publishOn: host.publishOn, cpus: host.cpus, mounts: [...mountsOf(spec.volumes, host.installation), ...given.mounts] }),
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: assignment.aliases } } },
    },
  };
}

/** The environment's network, as the engine is to have it. */
export const networkPlanOf = (assignment: Assignment, installation: string): NetworkPlan => ({
  name: networkName(installation, assignment.network.networkId),
  networkId: assignment.network.networkId,
  subnet: assignment.network.subnet,
});

/** Checks a whole plan against the allow-list, whoever compiled it: its keys, its one network, its HostConfig, its label.
 *  @param hostPaths whether a folder of the host may be mounted; default: none.
 *  @throws ForbiddenConfig */
export function checkContainerPlan(plan: ContainerPlan, installation: string, hostPaths: (path: string) => boolean = () => false): asserts plan is ContainerPlan & { config: ContainerConfig } {
  const config = plan.config as Partial<Record<string, unknown>>;
  const unknown = Object.keys(config).filter((key) => !CONFIG_KEYS.has(key));
  if (unknown.length > 0) throw new ForbiddenConfig(`${unknown.join(', ')}: not allowed`);
  const networks = Object.keys((config['NetworkingConfig'] as ContainerConfig['NetworkingConfig'] | undefined)?.EndpointsConfig ?? {});
  const [network] = networks;
  if (networks.length !== 1 || network === undefined || !network.startsWith(networkName(installation, ''))) {
    throw new ForbiddenConfig(`a container is in exactly one network of its installation, not in [${networks.join(', ')}]`);
  }
  const labels = config['Labels'] as Record<string, string> | undefined;
  if (labels?.[LABELS.installation] !== installation) throw new ForbiddenConfig(`the label ${LABELS.installation} has to be ${installation}`);
  checkHostConfig(config['HostConfig'], { network, installation, hostPaths, files: `${installation}/${labels[LABELS.replicaId]}` });
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
    [LABELS.networkId]: assignment.network.networkId,
    ...(assignment.spec.secrets?.length ? { [LABELS.secrets]: assignment.spec.secrets.map(({ key }) => key).join(',') } : {}),
  };
}
