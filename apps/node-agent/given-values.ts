import type { Assignment } from '#contracts';
import { EngineError, type Credentials, type FileMount, type GivenValues as Given } from '#docker';
import { SECRETS_FOLDER, Sensitive, type ConfigUse, type SecretUse } from '#domain';
import type { HostFile, HostFiles } from './host-files.ts';
import type { ValueClient } from './value-client.ts';

/** Secrets are everybody's to read inside of their container, as the engine's own are. */
const SECRET_FILE = { mode: 0o444, uid: 0, gid: 0 } as const;

/** What a replica is given beyond its assignment: fetched when its container is made, and again where a reboot took its files. */
export class GivenValues {
  constructor(
    private readonly client: Pick<ValueClient, 'fetch'>,
    private readonly files: HostFiles,
  ) {}

  /** All that its container is made with; its files are there then. @throws EngineError `value_unavailable`, `value_refused` */
  async forMaking(assignment: Assignment): Promise<Given> {
    const { secrets } = usesOf(assignment);
    const env: Record<string, string> = {};
    for (const { key, secretId, version, as } of secrets) {
      if (as === 'env') env[key] = (await this.client.fetch(assignment.replicaId, secretId, version)).reveal().toString();
    }
    await this.beforeStart(assignment);
    return { env, mounts: await this.#mountsOf(assignment) };
  }

  /** Its files, where they aren't there. @throws EngineError as `forMaking` */
  async beforeStart(assignment: Assignment): Promise<void> {
    const { replicaId } = assignment;
    const { secrets, configs } = filesOf(assignment);
    if (secrets.length + configs.length === 0 || (await this.files.has(replicaId))) return;
    const files: HostFile[] = [];
    for (const { key, secretId, version } of secrets) files.push({ name: `secrets/${key}`, content: await this.client.fetch(replicaId, secretId, version), ...SECRET_FILE });
    for (const [index, config] of configs.entries()) files.push(await this.#fileOf(assignment, config, index));
    await this.files.put(replicaId, files);
  }

  /** What its image's registry is to be shown; null: nothing. @throws EngineError as `forMaking` */
  async credentialsOf({ replicaId, spec: { registryCredentials } }: Assignment): Promise<Credentials | null> {
    if (!registryCredentials) return null;
    const text = (await this.client.fetch(replicaId, registryCredentials.secretId, registryCredentials.version)).reveal().toString().trim();
    const colon = text.indexOf(':');
    if (colon < 1) throw new EngineError('value_refused', false, `${registryCredentials.secretId} holds no credentials of a registry: its value has to be <user>:<password>`);
    return { username: text.slice(0, colon), password: new Sensitive(text.slice(colon + 1)) };
  }

  async #fileOf({ replicaId }: Assignment, { content, configId, version, mode, uid, gid }: ConfigUse, index: number): Promise<HostFile> {
    const held = configId === null ? new Sensitive(Buffer.from(content ?? '')) : await this.client.fetch(replicaId, configId, version);
    return { name: `configs/${index}`, content: held, mode: Number.parseInt(mode, 8), uid, gid };
  }

  async #mountsOf(assignment: Assignment): Promise<readonly FileMount[]> {
    const { secrets, configs } = filesOf(assignment);
    if (secrets.length + configs.length === 0) return [];
    const folder = await this.files.folderOf(assignment.replicaId);
    const mount = (name: string, Target: string): FileMount => ({ Type: 'bind', Source: `${folder}/${name}`, Target, ReadOnly: true });
    return [...(secrets.length > 0 ? [mount('secrets', SECRETS_FOLDER)] : []), ...configs.map(({ path }, index) => mount(`configs/${index}`, path))];
  }
}

const usesOf = ({ spec }: Assignment): { readonly secrets: readonly SecretUse[]; readonly configs: readonly ConfigUse[] } => ({ secrets: spec.secrets ?? [], configs: spec.configs ?? [] });

function filesOf(assignment: Assignment): ReturnType<typeof usesOf> {
  const { secrets, configs } = usesOf(assignment);
  return { secrets: secrets.filter(({ as }) => as === 'file'), configs };
}
