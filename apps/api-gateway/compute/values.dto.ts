import type { ConfigId, ConfigUse, ContainerSpec, CredentialsUse, SecretId, SecretUse } from '#domain';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import { idPattern, shaped, type Flaw } from '../edge/shapes.ts';
import { dependenciesOf, type DependencyDto } from './dependencies.dto.ts';

const text = { type: 'string' } as const;
const id = (prefix: string) => ({ type: 'string' as const, pattern: idPattern(prefix) });
const version = {
  anyOf: [{ type: 'integer', minimum: 1 }, { type: 'string', enum: ['latest'] }],
  default: 'latest',
  description: 'latest: it follows; another version makes another release.',
};

/** How the description shows what a container is given. */
export const SECRETS_SCHEMA = {
  type: 'object' as const,
  additionalProperties: {
    type: 'object' as const,
    required: ['secret_id'],
    properties: {
      secret_id: id('sec'),
      version,
      as: { type: 'string' as const, enum: ['env', 'file'], default: 'env', description: 'file: /run/secrets/<KEY>, in memory only. env: whoever may inspect containers on the host’s engine (docker inspect) reads the value there.' },
    },
  },
  example: { DB_PASS: { secret_id: 'sec_…', as: 'file' } },
};

export const CONFIGS_SCHEMA = {
  type: 'object' as const,
  required: ['path'],
  properties: {
    path: text,
    content: { ...text, description: 'Stands in the release, as env does: no place for a secret. Or config_id.' },
    config_id: id('cfg'),
    version,
    mode: { ...text, default: '0444', description: 'Permission bits, octal.' },
    uid: { type: 'integer' as const, minimum: 0, default: 0 },
    gid: { type: 'integer' as const, minimum: 0, default: 0 },
  },
};

export const CREDENTIALS_SCHEMA = {
  type: 'object' as const,
  selfRequired: false,
  required: ['secret_id'],
  properties: { secret_id: id('sec'), version: { ...version, description: 'latest: what that is at each pull; no release follows it.' } },
  nullable: true,
};

export type VersionDto = number | 'latest';

export interface SecretUseDto {
  readonly secret_id: string;
  readonly version?: VersionDto;
  readonly as?: 'env' | 'file';
}

export interface ConfigUseDto {
  readonly path: string;
  readonly content?: string;
  readonly config_id?: string;
  readonly version?: VersionDto;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** What is given beside env, as bodies say it. */
export interface ValueUsesDto {
  readonly secrets?: Readonly<Record<string, SecretUseDto>>;
  readonly configs?: readonly ConfigUseDto[];
  readonly registry_credentials?: { readonly secret_id: string; readonly version?: VersionDto } | null;
  readonly dependencies?: readonly DependencyDto[];
}

const isVersion = (value: unknown): boolean => value === undefined || value === 'latest' || Number.isInteger(value);
const isId = (prefix: string, value: unknown): boolean => typeof value === 'string' && new RegExp(idPattern(prefix)).test(value);
const idFlaw = (prefix: string, path: readonly (string | number)[]): Flaw => ({ path, code: 'id', detail: `must be an id: ${prefix}_ and 26 characters of a to z and 2 to 7` });
const VERSION_FLAW = 'must be the number of a version, or "latest"';

/** A map of names to secrets. */
export const IsSecretMap = shaped('secretMap', (value) => {
  if (!isObject(value)) return [{ path: [], detail: 'must be an object like {"DB_PASS": {"secret_id": "sec_…"}}' }];
  return Object.entries(value).flatMap(([key, use]) => (isObject(use) ? secretFlaws(key, use) : [{ path: [key], detail: 'must be an object like {"secret_id": "sec_…"}: a value itself is kept by POST /v1/secrets' }]));
});

function secretFlaws(key: string, { secret_id, version: wanted, as, ...more }: JsonObject): readonly Flaw[] {
  return [
    ...(isId('sec', secret_id) ? [] : [idFlaw('sec', [key, 'secret_id'])]),
    ...(isVersion(wanted) ? [] : [{ path: [key, 'version'], detail: VERSION_FLAW }]),
    ...(as === undefined || as === 'env' || as === 'file' ? [] : [{ path: [key, 'as'], detail: 'must be "env" or "file"' }]),
    ...unknown(more, [key]),
  ];
}

/** A list of files. */
export const IsConfigList = shaped('configList', (value) => {
  if (!Array.isArray(value)) return [{ path: [], detail: 'must be a list like [{"path": "/etc/app.yaml", "config_id": "cfg_…"}]' }];
  return value.flatMap((use: unknown, index) => (isObject(use) ? configFlaws(index, use) : [{ path: [index], detail: 'must be an object with path, and content or config_id' }]));
});

function configFlaws(index: number, { path, content, config_id, version: wanted, mode, uid, gid, ...more }: JsonObject): readonly Flaw[] {
  const isIn = (name: string, value: unknown, type: 'string' | 'number', detail: string): readonly Flaw[] => (value === undefined || typeof value === type ? [] : [{ path: [index, name], detail }]);
  const either = content !== undefined && config_id !== undefined ? 'give content or config_id, not both' : content === undefined && config_id === undefined ? 'give content or config_id' : null;
  return [
    ...(typeof path === 'string' ? [] : [{ path: [index, 'path'], code: path === undefined ? 'required' : 'type', detail: 'must be a text' }]),
    ...(either ? [{ path: [index, 'content'], code: 'exclusive', detail: either }] : []),
    ...isIn('content', content, 'string', 'must be a text'),
    ...(config_id === undefined || isId('cfg', config_id) ? [] : [idFlaw('cfg', [index, 'config_id'])]),
    ...(isVersion(wanted) ? [] : [{ path: [index, 'version'], detail: VERSION_FLAW }]),
    ...isIn('mode', mode, 'string', 'must be a text of octal digits, like "0444"'),
    ...isIn('uid', uid, 'number', 'must be a number'),
    ...isIn('gid', gid, 'number', 'must be a number'),
    ...unknown(more, [index]),
  ];
}

/** What a registry is shown. */
export const IsCredentials = shaped('credentials', (value) => {
  if (!isObject(value)) return [{ path: [], detail: 'must be an object like {"secret_id": "sec_…"}: the value of that secret is <user>:<password>' }];
  const { secret_id, version: wanted, ...more } = value;
  return [...(isId('sec', secret_id) ? [] : [idFlaw('sec', ['secret_id'])]), ...(isVersion(wanted) ? [] : [{ path: ['version'], detail: VERSION_FLAW }]), ...unknown(more, [])];
});

const unknown = (more: JsonObject, at: readonly (string | number)[]): readonly Flaw[] => Object.keys(more).map((name) => ({ path: [...at, name], code: 'unknown_field', detail: `no such field: ${name}` }));

const numberOf = (wanted: VersionDto | undefined): number | null => (typeof wanted === 'number' ? wanted : null);

/** What a body says that a container is given; what it doesn't say, or says to be nothing, is left out. Followed versions have no number yet. */
export function valueUsesOf({ secrets, configs, registry_credentials: credentials, dependencies }: ValueUsesDto): Pick<ContainerSpec, 'secrets' | 'configs' | 'registryCredentials' | 'dependencies'> {
  const given = givenUsesOf({ secrets, configs, registry_credentials: credentials ?? undefined, dependencies });
  return { ...given, secrets: given.secrets?.length ? given.secrets : undefined, configs: given.configs?.length ? given.configs : undefined, dependencies: given.dependencies?.length ? given.dependencies : undefined };
}

/** The same where what is given stands in place of a release's own: nothing may be given, too. */
export const givenUsesOf = ({ secrets, configs, registry_credentials: credentials, dependencies }: ValueUsesDto): Pick<ContainerSpec, 'secrets' | 'configs' | 'registryCredentials' | 'dependencies'> => ({
  ...(secrets == null ? {} : { secrets: Object.entries(secrets).map(secretUse) }),
  ...(configs == null ? {} : { configs: configs.map(configUse) }),
  ...(credentials === undefined ? {} : { registryCredentials: credentials && credentialsUse(credentials) }),
  ...dependenciesOf(dependencies),
});

const secretUse = ([key, { secret_id, version: wanted, as }]: [string, SecretUseDto]): SecretUse => ({
  key, secretId: secret_id as SecretId, version: numberOf(wanted), follows: numberOf(wanted) === null, as: as ?? 'env',
});

const configUse = ({ path, content, config_id, version: wanted, mode, uid, gid }: ConfigUseDto): ConfigUse => ({
  path, mode: mode ?? '0444', uid: uid ?? 0, gid: gid ?? 0, content: content ?? null, configId: (config_id as ConfigId | undefined) ?? null,
  version: numberOf(wanted), follows: config_id !== undefined && numberOf(wanted) === null,
});

const credentialsUse = ({ secret_id, version: wanted }: { readonly secret_id: string; readonly version?: VersionDto }): CredentialsUse => ({ secretId: secret_id as SecretId, version: numberOf(wanted) });
