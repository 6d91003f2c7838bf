import type { ConfigId, SecretId } from '../kernel/ids.ts';
import type { ContainerSpec } from './events.ts';

/** The parts of a container that speak of secrets and configs. */
type Uses = Partial<Pick<ContainerSpec, 'secrets' | 'configs' | 'registryCredentials'>>;

/** Secrets and configs by their ids: the number of a version of each. */
export type Versions = Readonly<Record<string, number>>;

/** The secrets and configs that a container speaks of, each once. */
export const valuesUsedBy = ({ secrets = [], configs = [], registryCredentials }: Uses): readonly (SecretId | ConfigId)[] => [
  ...new Set([
    ...secrets.map(({ secretId }) => secretId),
    ...configs.flatMap(({ configId }) => configId ?? []),
    ...(registryCredentials ? [registryCredentials.secretId] : []),
  ]),
];

/** Those of which it follows the latest version, and which version it has of each. */
export const followedBy = ({ secrets = [], configs = [] }: Uses): ReadonlyMap<SecretId | ConfigId, number | null> =>
  new Map([
    ...secrets.filter(({ follows }) => follows).map(({ secretId, version }) => [secretId, version] as const),
    ...configs.flatMap(({ configId, version, follows }) => (configId && follows ? [[configId, version] as const] : [])),
  ]);

/** The same container with these versions of what it follows; what isn't named, and what is fixed, stays. */
export function withVersions<Spec extends Uses>(spec: Spec, versions: Versions): Spec {
  const moved = <Use extends { readonly version: number | null; readonly follows: boolean }>(use: Use, id: string | null): Use => {
    const version = id === null ? undefined : versions[id];
    return use.follows && version !== undefined ? { ...use, version } : use;
  };
  return {
    ...spec,
    ...(spec.secrets ? { secrets: spec.secrets.map((use) => moved(use, use.secretId)) } : {}),
    ...(spec.configs ? { configs: spec.configs.map((use) => moved(use, use.configId)) } : {}),
  };
}
