import type { Reason } from '#domain';
import type { Reads } from '../reads.ts';
import type { ConfigDocument, SecretDocument } from './held-values.ts';
import type { ServiceDocument } from './services.ts';

/** A secret or config that is followed, and the version that stands. */
interface Followed {
  readonly id: string;
  readonly version: number;
}

/** By service: what it follows, and wasn't rolled to. The scheduler does that at once, or can't for want of room, or has done it once and the deployment
 *  went back; none of it is the service's status. Nothing of one that is at rest or being deployed. */
export async function lagging({ models }: Pick<Reads, 'models'>, services: readonly ServiceDocument[]): Promise<ReadonlyMap<string, readonly Reason[]>> {
  const followed = new Map(services.filter(({ lifecycle, active_deployment }) => lifecycle === 'ACTIVE' && active_deployment === null).map((service) => [service.id, followedIn(service)] as const));
  const ids = [...new Set([...followed.values()].flat().map(({ id }) => id))];
  const [secret, config] = [ids.filter((id) => id.startsWith('sec_')), ids.filter((id) => id.startsWith('cfg_'))];
  const held = new Map<string, SecretDocument | ConfigDocument>([
    ...(secret.length ? await models.getMany<SecretDocument>('secrets', secret) : []),
    ...(config.length ? await models.getMany<ConfigDocument>('configs', config) : []),
  ]);
  return new Map([...followed].map(([id, uses]) => [id, uses.flatMap((use) => lagOf(use, held.get(use.id)))] as const));
}

function followedIn({ secrets, configs, dependencies }: ServiceDocument): readonly Followed[] {
  const passwords = dependencies.flatMap(({ target }) => (target?.password ? [target.password] : []));
  const uses = [...[...Object.values(secrets), ...passwords].map((use) => ({ ...use, id: use.secret_id })), ...configs.map((use) => ({ ...use, id: use.config_id }))];
  const found = uses.flatMap(({ id, version, latest }) => (id !== null && version !== null && latest ? [[id, { id, version }] as const] : []));
  return [...new Map(found).values()];
}

function lagOf({ version }: Followed, held: SecretDocument | ConfigDocument | undefined): readonly Reason[] {
  const rolled = held?.versions.findLast(({ apply }) => apply === 'now')?.version ?? 0;
  if (!held || rolled <= version) return [];
  return [{ code: 'value_behind', message: `it has version ${version} of ${held.name} and is to have ${rolled}: where no deployment to that begins there is no room for one in the quota, or one was tried and went back; its next deployment takes the latest` }];
}
