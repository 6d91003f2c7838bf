import { injectedInto, type DependencyTarget, type DependencyUse, type DockerServiceId, type InjectedVariable, type NetworkId, type ResourceId, type ResourceKind, type SecretId } from '#domain';

/** What a dependency was found to be, as documents say it. */
export interface DependencyTargetDocument {
  readonly name: string;
  readonly kind: ResourceKind | null;
  readonly version: number;
  readonly hostname: string;
  readonly address: string | null;
  readonly docker_service_id: string | null;
  readonly networks: readonly { readonly network_id: string; readonly name: string }[];
  readonly port: number;
  readonly user: string | null;
  readonly database: string | null;
  readonly password: { readonly secret_id: string; readonly version: number; readonly latest: boolean } | null;
}

/** What a container uses, as documents say it; `target` null: it is looked up when a job is made of it. */
export interface DependencyDocument {
  readonly resource_id: string | null;
  readonly docker_service_id: string | null;
  readonly prefix: string | null;
  readonly wait: 'healthy' | null;
  readonly target: DependencyTargetDocument | null;
}

export const dependencyDocument = ({ resourceId, dockerServiceId, prefix, wait, target }: DependencyUse): DependencyDocument => ({
  resource_id: resourceId, docker_service_id: dockerServiceId, prefix, wait, target: target && targetDocument(target),
});

const targetDocument = ({ dockerServiceId, networks, password, ...same }: DependencyTarget): DependencyTargetDocument => ({
  ...same, docker_service_id: dockerServiceId, networks: networks.map(({ networkId, name }) => ({ network_id: networkId, name })), password: password && { secret_id: password.secretId, version: password.version, latest: password.follows },
});

/** The resources, services and secrets that a dependency speaks of. */
export const dependencyIds = ({ resource_id, docker_service_id, target }: DependencyDocument): readonly string[] =>
  [resource_id, docker_service_id, target?.docker_service_id, target?.password?.secret_id].flatMap((id) => id ?? []);

/** What dependencies put into an environment, as far as anybody may see it. */
export function injectedVariables({ dependencies, env, secrets }: { readonly dependencies: readonly DependencyDocument[]; readonly env: Readonly<Record<string, string>>; readonly secrets: Readonly<Record<string, { readonly as: 'env' | 'file' }>> }): readonly InjectedVariable[] {
  const uses = Object.entries(secrets).map(([key, { as }]) => ({ key, as, secretId: 'sec_' as SecretId, version: null, follows: true }));
  return injectedInto({ env, secrets: uses, dependencies: dependencies.map(dependencyUse) });
}

/** What a document says of a use. */
export const dependencyUse = ({ resource_id, docker_service_id, prefix, wait, target }: DependencyDocument): DependencyUse => ({
  resourceId: resource_id as ResourceId | null, dockerServiceId: docker_service_id as DockerServiceId | null, prefix, wait, target: target && targetOf(target),
});

const targetOf = ({ docker_service_id, networks, password, ...same }: DependencyTargetDocument): DependencyTarget => ({
  ...same, dockerServiceId: docker_service_id as DockerServiceId | null, networks: networks.map(({ network_id, name }) => ({ networkId: network_id as NetworkId, name })), password: password && { secretId: password.secret_id as SecretId, version: password.version, follows: password.latest },
});
