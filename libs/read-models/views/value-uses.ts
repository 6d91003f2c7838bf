import type { ConfigUse, ContainerSpec, SecretUse } from '#domain';

/** A secret as a container is given it. */
export interface SecretUseDocument {
  readonly secret_id: string;
  /** Null where a job, a hook or a schedule follows the latest: what that is when its container is made. */
  readonly version: number | null;
  /** It follows the latest version. */
  readonly latest: boolean;
  readonly as: SecretUse['as'];
}

/** A file as a container is given it: `content` of its own, or a config's. */
export interface ConfigUseDocument {
  readonly path: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly content: string | null;
  readonly config_id: string | null;
  readonly version: number | null;
  readonly latest: boolean;
}

/** What a container is given beside its env. */
export interface ValueUsesDocument {
  /** By the name of the variable, or of the file in `/run/secrets`. */
  readonly secrets: Readonly<Record<string, SecretUseDocument>>;
  readonly configs: readonly ConfigUseDocument[];
  readonly registry_credentials: { readonly secret_id: string; readonly version: number | null } | null;
}

type Uses = Pick<ContainerSpec, 'secrets' | 'configs' | 'registryCredentials'>;

/** All of it, also what is left out. */
export const valueUsesDocument = ({ secrets = [], configs = [], registryCredentials: credentials = null }: Uses): ValueUsesDocument => ({
  secrets: Object.fromEntries(secrets.map(({ key, secretId, version, follows, as }) => [key, { secret_id: secretId, version, latest: follows, as }])),
  configs: configs.map(configDocument),
  registry_credentials: credentials && { secret_id: credentials.secretId, version: credentials.version },
});

/** Only what is given: the rest is a release's own. */
export function givenUsesDocument(given: Partial<Uses>): Partial<ValueUsesDocument> {
  const all = valueUsesDocument(given);
  return {
    ...(given.secrets === undefined ? {} : { secrets: all.secrets }),
    ...(given.configs === undefined ? {} : { configs: all.configs }),
    ...(given.registryCredentials === undefined ? {} : { registry_credentials: all.registry_credentials }),
  };
}

const configDocument = ({ path, mode, uid, gid, content, configId, version, follows }: ConfigUse): ConfigUseDocument => ({
  path, mode, uid, gid, content, config_id: configId, version, latest: follows,
});

/** The secrets and configs that a document speaks of. */
export const valueIdsIn = ({ secrets = {}, configs = [], registry_credentials: credentials = null }: Partial<ValueUsesDocument>): readonly string[] => [
  ...Object.values(secrets).map(({ secret_id }) => secret_id),
  ...configs.flatMap(({ config_id }) => config_id ?? []),
  ...(credentials ? [credentials.secret_id] : []),
];
