import {
  isUnwritten,
  defaultPort, dependencyId, joinedBy, dockerService, isAddress, latestVersion, Rejection, secret as secretRules, streamOf, withTargets, workingRelease,
  type ContainerSpec, type DependencyPassword, type DependencyTarget, type ExistingDockerService, type ExistingResource, type PasswordUse, type ResourceKind, type ResourceSettings, type Targets,
} from '#domain';
import type { AggregateStore } from '#event-store';
import { loadResource } from './resources.ts';

type Uses = Pick<ContainerSpec, 'dependencies'>;

/** What the dependencies of a container are now; one that is gone, or has no port, is left out. */
export async function targetsNow(aggregates: AggregateStore, { dependencies = [] }: Uses): Promise<Targets> {
  const ids = [...new Set(dependencies.map(dependencyId))];
  const found = await Promise.all(ids.map(async (id) => [id, await targetOf(aggregates, id)] as const));
  return Object.fromEntries(found.flatMap(([id, target]) => (target ? [[id, target]] : [])));
}

/** The same container with what isn't looked up yet looked up: what a job needs when it is made. What came with a release stays as that has it. */
export async function withFoundTargets<Spec extends Uses>(aggregates: AggregateStore, spec: Spec): Promise<Spec> {
  const unknown = (spec.dependencies ?? []).filter(({ target }) => target === null);
  return unknown.length === 0 ? spec : withTargets(spec, await targetsNow(aggregates, { dependencies: unknown }));
}

/** The same container with everything looked up once more, the versions of passwords too. */
export const withTargetsAnew = <Spec extends Uses>(aggregates: AggregateStore, spec: Spec): Promise<Spec> =>
  withFoundTargets(aggregates, spec.dependencies ? { ...spec, dependencies: spec.dependencies.map((use) => ({ ...use, target: null })) } : spec);

/** Of what ran before: it can't run again without what it uses. @param who whose uses these are, to begin a sentence with
 *  @throws Rejection `resource.deleted`, `docker_service.deleted` */
export async function refuseGoneDependencies(aggregates: AggregateStore, who: string, { dependencies = [] }: Uses): Promise<void> {
  for (const id of new Set(dependencies.map(dependencyId))) {
    const resource = id.startsWith('res_') ? await loadResource(aggregates, id) : null;
    const what = resource && !isUnwritten(resource) ? `${who} uses the resource ${resource.name} (${id})` : `${who} uses ${id}`;
    if (resource && resource.status !== 'present') throw gone('resource.deleted', what);
    const behind = resource ? resource.settings.dockerServiceId : id;
    if (behind && !(await standingService(aggregates, behind))) throw gone('docker_service.deleted', resource ? `${what}, and behind that the service ${behind}` : what);
  }
}

const gone = (code: 'resource.deleted' | 'docker_service.deleted', what: string): Rejection => new Rejection('conflict', code, `${what}, which is deleted: make another one, and name that in dependencies`);

/** What a resource, or a service as it is, can be used as now; null where it can't. */
export async function targetOf(aggregates: AggregateStore, id: string): Promise<DependencyTarget | null> {
  if (!id.startsWith('res_')) return serviceTarget(await standingService(aggregates, id));
  const resource = await loadResource(aggregates, id);
  if (resource.status !== 'present') return null;
  const { settings } = resource;
  const service = settings.dockerServiceId && (await standingService(aggregates, settings.dockerServiceId));
  const port = portOf(resource.kind, settings, service || null);
  const password = settings.password && (await passwordOf(aggregates, settings.password));
  return port === null ? null : { ...resourceTarget(resource, port), networks: service ? networksOf(service) : [], password };
}

/** Where a resource would be reached; null: nobody would know. */
export async function portNow(aggregates: AggregateStore, kind: ResourceKind, settings: ResourceSettings): Promise<number | null> {
  return portOf(kind, settings, settings.dockerServiceId && (await standingService(aggregates, settings.dockerServiceId)));
}

const portOf = (kind: ResourceKind, { port }: ResourceSettings, service: ExistingDockerService | null): number | null => port ?? (service && firstPort(service)) ?? defaultPort(kind);

/** The service as its stream says; null where it is deleted, or being so, or where a log that was put back to the middle of its creation has no release of it. */
export async function standingService(aggregates: AggregateStore, id: string): Promise<ExistingDockerService | null> {
  const { state } = await aggregates.load(dockerService, streamOf('docker_service', id));
  return state.status === 'present' && (state.lifecycle === 'ACTIVE' || state.lifecycle === 'PAUSED') && state.releases.size > 0 ? state : null;
}

function resourceTarget({ name, kind, version, settings }: ExistingResource, port: number): Omit<DependencyTarget, 'networks' | 'password'> {
  const { host, hostname, user, database, dockerServiceId } = settings;
  const isNumber = host !== null && isAddress(host);
  return { name, kind, version, hostname: host === null || isNumber ? hostname : host, address: isNumber ? host : null, dockerServiceId, port, user, database };
}

function serviceTarget(service: ExistingDockerService | null): DependencyTarget | null {
  const port = service && firstPort(service);
  if (!service || port === null) return null;
  const { name, dockerServiceId } = service;
  return { name, kind: null, version: 0, hostname: name, address: null, dockerServiceId, networks: networksOf(service), port, user: null, database: null, password: null };
}

/** Of the release that it stands on: one that is still being deployed may yet be taken back. */
const specOf = (service: ExistingDockerService): ContainerSpec => service.releases.get(service.stableRelease ?? workingRelease(service))!;

const firstPort = (service: ExistingDockerService): number | null => specOf(service).ports[0]?.containerPort ?? null;

/** Those that it was put into on purpose: where it is only for what it uses itself, nobody looks for it. */
function networksOf(service: ExistingDockerService): DependencyTarget['networks'] {
  const { networks, defaultNetwork } = specOf(service);
  return joinedBy({ networks, defaultNetwork }, service.networkId).map(({ networkId, name }) => ({ networkId, name }));
}

async function passwordOf(aggregates: AggregateStore, { secretId, version }: PasswordUse): Promise<DependencyPassword> {
  const { state } = await aggregates.load(secretRules, streamOf('secret', secretId));
  return { secretId, version: version ?? (isUnwritten(state) ? 1 : latestVersion(state)), follows: version === null };
}
