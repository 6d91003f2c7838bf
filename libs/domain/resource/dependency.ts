import type { ContainerSpec } from '../docker-service/events.ts';
import type { DockerServiceId, NetworkId, ResourceId, SecretId } from '../kernel/ids.ts';
import { isSame } from '../kernel/same.ts';
import type { ResourceKind } from './events.ts';

/** The password that a dependant is given, as part of its `_PASS` and `_URL`. */
export interface DependencyPassword {
  readonly secretId: SecretId;
  readonly version: number;
  /** It follows the latest: another version makes another release. */
  readonly follows: boolean;
}

/** What a dependency was found to be when the release was cut, or the job made: frozen with it. */
export interface DependencyTarget {
  /** Of the resource or the service. */
  readonly name: string;
  /** Null for a service that is used as it is. */
  readonly kind: ResourceKind | null;
  /** Of the resource; 0 for a service. */
  readonly version: number;
  /** `_HOST`. */
  readonly hostname: string;
  /** Where that is, where no DNS knows it; null where one does. */
  readonly address: string | null;
  /** The service that answers; null where it is elsewhere. */
  readonly dockerServiceId: DockerServiceId | null;
  /** Where that is to be found: a dependant that is in none of them joins the first. */
  readonly networks: readonly { readonly networkId: NetworkId; readonly name: string }[];
  readonly port: number;
  readonly user: string | null;
  readonly database: string | null;
  readonly password: DependencyPassword | null;
}

/** A container uses a resource, or a service as it is. */
export interface DependencyUse {
  /** One of the two. */
  readonly resourceId: ResourceId | null;
  readonly dockerServiceId: DockerServiceId | null;
  /** What the names of its variables begin with; null: by its kind, see `prefixOf`. */
  readonly prefix: string | null;
  /** `healthy`: no replica starts before the service behind it has one that is well. */
  readonly wait: 'healthy' | null;
  /** Null only in hooks and schedules, and where it is still to be looked up: a release and a job have it. */
  readonly target: DependencyTarget | null;
}

/** A service that a replica waits for, by the name of the dependency. */
export interface Awaited {
  readonly dockerServiceId: DockerServiceId;
  readonly name: string;
}

/** Dependencies by their ids: what each was found to be. */
export type Targets = Readonly<Record<string, DependencyTarget>>;

type Uses = Pick<ContainerSpec, 'dependencies'>;

/** The resource or the service that is used. */
export const dependencyId = ({ resourceId, dockerServiceId }: Pick<DependencyUse, 'resourceId' | 'dockerServiceId'>): ResourceId | DockerServiceId => (resourceId ?? dockerServiceId)!;

/** All that is used: resources, services, and those behind resources, each once. */
export const usedBy = ({ dependencies = [] }: Uses): readonly (ResourceId | DockerServiceId)[] => [
  ...new Set(dependencies.flatMap((use) => [dependencyId(use), ...(use.target?.dockerServiceId ? [use.target.dockerServiceId] : [])])),
];

/** The services that have to be well before it starts. One that is elsewhere is nobody's to look at: it isn't waited for. */
export const awaitedBy = ({ dependencies = [] }: Uses): readonly Awaited[] =>
  dependencies.flatMap(({ wait, target }) => (wait === 'healthy' && target?.dockerServiceId ? [{ dockerServiceId: target.dockerServiceId, name: target.name }] : []));

export const passwordsOf = (dependencies: readonly DependencyUse[]): readonly DependencyPassword[] => dependencies.flatMap(({ target }) => target?.password ?? []);

/** The same use with another password, where it has one. */
export const withPassword = (use: DependencyUse, change: (password: DependencyPassword) => DependencyPassword): DependencyUse =>
  use.target?.password ? { ...use, target: { ...use.target, password: change(use.target.password) } } : use;

/** The same container with what its dependencies are now; what isn't named stays. The version of a password that follows the latest stays too, where it is
 *  the same secret: that is `withVersions`' to say. */
export function withTargets<Spec extends Uses>(spec: Spec, targets: Targets): Spec {
  if (!spec.dependencies) return spec;
  return { ...spec, dependencies: spec.dependencies.map((use) => ({ ...use, target: renewed(use.target, targets[dependencyId(use)]) })) };
}

function renewed(before: DependencyTarget | null, now: DependencyTarget | undefined): DependencyTarget | null {
  if (!now) return before;
  const [old, password] = [before?.password, now.password];
  return old?.follows && password?.follows && old.secretId === password.secretId ? { ...now, password: old } : now;
}

/** Of what these are now, those that a container doesn't have yet. */
export const targetsBehind = ({ dependencies = [] }: Uses, now: Targets): Targets =>
  Object.fromEntries(dependencies.flatMap((use) => {
    const target = renewed(use.target, now[dependencyId(use)]);
    return target && !isSame(target, use.target) ? [[dependencyId(use), target]] : [];
  }));

/** The networks that a container has to join for what it uses, beside those that it is in. */
export function networksToJoin({ dependencies = [] }: Uses, isIn: readonly NetworkId[]): readonly { readonly networkId: NetworkId; readonly name: string }[] {
  const joined = new Set<string>(isIn);
  return dependencies.flatMap(({ target }) => {
    const [first] = target?.networks ?? [];
    if (!first || target!.networks.some(({ networkId }) => joined.has(networkId))) return [];
    joined.add(first.networkId);
    return [first];
  });
}

/** What resources are called in one of the networks of a container, as the engine says it: a service answers to its id wherever it is, and what it is called as a
 *  resource only its dependants know. Each is called so in the first network that both are in. */
export function linksIn({ dependencies = [] }: Uses, isIn: readonly NetworkId[], networkId: NetworkId): { readonly links?: readonly string[] } {
  const links = dependencies.flatMap(({ target }) => {
    if (!target?.dockerServiceId || target.kind === null) return [];
    const shared = isIn.find((id) => target.networks.some((each) => each.networkId === id));
    return shared === networkId ? [`${target.dockerServiceId}:${target.hostname}`] : [];
  });
  return links.length === 0 ? {} : { links: [...new Set(links)] };
}

/** The part of a replica's creation that says what it waits for; left out where it doesn't. */
export function waitsOf(spec: Uses): { readonly waitsFor?: readonly Awaited[] } {
  const waitsFor = awaitedBy(spec);
  return waitsFor.length === 0 ? {} : { waitsFor };
}
