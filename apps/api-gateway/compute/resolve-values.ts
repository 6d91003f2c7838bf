import { loadHeld } from '#application';
import { followedBy, latestVersion, withVersions, type ContainerSpec, type HeldValue, type Targets, type Versions } from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest, type FieldError } from '../edge/invalid-request.ts';
import { refuseUnknownDependencies, resolvedDependencies } from './resolve-dependencies.ts';

type Uses = Pick<ContainerSpec, 'secrets' | 'configs' | 'registryCredentials' | 'dependencies'>;

/** Where the container will be: what it is given has to be of the same project, and of the same environment or of none. */
export interface ValueScope {
  readonly projectId: string;
  readonly environmentId: string;
  /** Where its dependencies were before, by their ids: it stays there while nobody knows their port any more. */
  readonly knownTargets?: Targets;
}

/** A service's container, with the number that each followed version has now, and what it uses as that is now. @throws InvalidRequest as `refuseUnknownValues`. */
export async function resolvedValues<Spec extends Uses>(aggregates: AggregateStore, scope: ValueScope, spec: Spec): Promise<Spec> {
  await refuseUnknownValues(aggregates, scope, spec);
  return withVersions(await resolvedDependencies(aggregates, scope, spec), await latestVersions(aggregates, [spec]));
}

/** The latest versions of what these containers follow; what was deleted is left out. */
export async function latestVersions(aggregates: AggregateStore, specs: readonly Uses[]): Promise<Versions> {
  const ids = new Set(specs.flatMap((spec) => [...followedBy(spec).keys()]));
  const found = await Promise.all([...ids].map(async (id) => [id, await loadHeld(aggregates, id)] as const));
  return Object.fromEntries(found.flatMap(([id, held]) => (held.status === 'present' ? [[id, latestVersion(held)]] : [])));
}

/** @param at where the container stands in the body. @throws InvalidRequest `secret.unknown`, `config.unknown` with every one that isn't there for it; as `refuseUnknownDependencies`. */
export async function refuseUnknownValues(aggregates: AggregateStore, scope: ValueScope, { secrets = [], configs = [], registryCredentials, dependencies }: Uses, at = ''): Promise<void> {
  const asked = [
    ...secrets.map(({ key, secretId, version }) => ({ pointer: `${at}/secrets/${escaped(key)}`, id: secretId, version })),
    ...configs.flatMap(({ configId, version }, index) => (configId ? [{ pointer: `${at}/configs/${index}`, id: configId, version }] : [])),
    ...(registryCredentials ? [{ pointer: `${at}/registry_credentials`, id: registryCredentials.secretId, version: registryCredentials.version }] : []),
  ];
  const flaws = (await Promise.all(asked.map(async ({ pointer, id, version }) => flawOf(await loadHeld(aggregates, id), { scope, pointer, id, version })))).flat();
  const [first] = flaws;
  if (first) throw new InvalidRequest(flaws, first.code);
  await refuseUnknownDependencies(aggregates, scope, { dependencies }, at);
}

interface Asked {
  readonly scope: ValueScope;
  readonly pointer: string;
  readonly id: string;
  readonly version: number | null;
}

function flawOf(held: HeldValue<string>, { scope, pointer, id, version }: Asked): readonly FieldError[] {
  const [kind, code] = id.startsWith('sec_') ? (['secret', 'secret.unknown'] as const) : (['config', 'config.unknown'] as const);
  if (held.status !== 'present' || held.projectId !== scope.projectId) return [{ pointer: `${pointer}/${kind}_id`, code, detail: `the project has no such ${kind}: GET /v1/${kind}s lists those within reach` }];
  if (held.environmentId !== null && held.environmentId !== scope.environmentId) return [{ pointer: `${pointer}/${kind}_id`, code, detail: `${held.name} belongs to another environment: make one of this environment, or of the whole project` }];
  if (version === null || held.versions.has(version)) return [];
  return [{ pointer: `${pointer}/version`, code, detail: `${held.name} has the versions 1 to ${latestVersion(held)}` }];
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
