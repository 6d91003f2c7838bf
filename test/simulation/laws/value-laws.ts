import type { ContainerState } from '#docker';
import { dockerService, followedBy, parseStream, rolledVersion, workingRelease, type ConfigUse, type DockerServiceEvent, type ExistingDockerService, type ReplicaId, type SecretUse } from '#domain';
import type { Recorded } from '#event-store';
import { commandIdOf } from '#platform';
import type { Host } from '../house/host.ts';
import type { Breach, World } from '../world.ts';
import type { Ledger } from './ledger.ts';

const CANARY = 'canary-';

/** All values that clients ever sent, each told from everything else; nobody may see one where none is to be. */
export class Canaries {
  readonly #texts = new Map<string, string>();
  /** By `<id>|<version>`: what was kept as that, in this log or in one that was put back since. */
  readonly #named = new Map<string, Set<string>>();

  /** @param found told where one was seen */
  constructor(private readonly found: (where: string) => void) {}

  /** The value that a command sends; the same for the same command. */
  valueOf(commandId: string): string {
    const text = `${CANARY}${commandId}`;
    this.#texts.set(commandId, text);
    return text;
  }

  look(where: string, text: string): void {
    if (text.includes(CANARY)) this.found(`${where}: ${text.slice(0, 200)}`);
  }

  /** Errors are looked through, too. */
  lookThrough(where: string, thing: unknown, depth = 4): void {
    if (typeof thing === 'string') return this.look(where, thing);
    if (thing === null || typeof thing !== 'object' || depth === 0) return;
    if (thing instanceof Error) this.lookThrough(where, [thing.message, thing.stack, thing.cause], depth - 1);
    for (const each of Object.values(thing)) this.lookThrough(where, each, depth - 1);
  }

  take({ stream, type, data }: Recorded): void {
    const { version = 1, valueId } = data as { version?: number; valueId: string };
    if (!NAMING.has(type)) return;
    const key = `${parseStream(stream).id}|${version}`;
    this.#named.set(key, (this.#named.get(key) ?? new Set()).add(valueId));
  }

  /** What this version may hold. @param version null: whichever it is */
  of(id: string, version: number | null): readonly (string | undefined)[] {
    return [...this.#named].filter(([key]) => (version === null ? key.startsWith(`${id}|`) : key === `${id}|${version}`)).flatMap(([, ids]) => [...ids].map((valueId) => this.#texts.get(valueId)));
  }
}

const NAMING: ReadonlySet<string> = new Set(['SecretCreated', 'SecretVersionAdded', 'ConfigCreated', 'ConfigVersionAdded']);

/** How services follow versions; `ledger` lacks the event yet. */
export const VALUE_LAWS = {
  'who follows is rolled once for each version, and never back': ({ type, stream, data, metadata }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'ReleaseCut' || metadata.actor.type !== 'system') return null;
    const { id } = parseStream(stream);
    const service = ledger.services.get(id);
    const after = service && dockerService.evolve(service, { type, data } as DockerServiceEvent);
    if (service?.status !== 'present' || after?.status !== 'present') return null;
    const before = followedBy(service.releases.get(workingRelease(service)) ?? {});
    const moved = [...followedBy(after.releases.get((data as { release: number }).release)!)].filter(([valueId, version]) => version !== before.get(valueId));
    // It follows what it uses: where that is, other laws say.
    if (moved.length === 0 && targetsIn(service, workingRelease(service)) !== targetsIn(after, (data as { release: number }).release)) return null;
    const back = moved.find(([valueId, version]) => (version ?? 0) < (before.get(valueId) ?? 0));
    if (back) return `${id} went back from version ${before.get(back[0])} of ${back[0]} to ${back[1]}`;
    const named = moved.some(([valueId, version]) => metadata.commandId === commandIdOf('follow', id, valueId, String(version)));
    if (!named) return `${id} was given [${moved}] by a command that is named by none of them`;
    return (ledger.effects.get(`${metadata.commandId}|${type}`) ?? 0) > 0 ? `${id} was rolled to [${moved}] again` : null;
  },
};

const targetsIn = ({ releases }: ExistingDockerService, release: number): string => JSON.stringify((releases.get(release)?.dependencies ?? []).map(({ target }) => target));

/** Whether a container has what its release says. */
export function givenBreaches(world: World, host: Host, container: ContainerState, replicaId: ReplicaId): Breach[] {
  const { secrets = [], configs = [] } = world.ledger.specOf(replicaId) ?? {};
  if (secrets.length + configs.length === 0) return [];
  const { Env = [] } = host.engine.configOf(container.name) as { Env?: readonly string[] };
  const files = host.files.of(replicaId);
  const law = 'a container is given just what its release names';
  const found = (what: string, text: string | undefined, due: readonly (string | undefined)[]): Breach[] => (text !== undefined && due.includes(text) ? [] : [{ law, what: `${replicaId} has ${text} as ${what} instead of ${due.join(' or ') || 'nothing'}` }]);
  const ofSecret = ({ key, secretId, version, as }: SecretUse): Breach[] => {
    const text = as === 'env' ? Env.find((each) => each.startsWith(`${key}=`))?.slice(key.length + 1) : files[`secrets/${key}`];
    return found(key, text, world.canaries.of(secretId, version));
  };
  const ofConfig = ({ path, content, configId, version }: ConfigUse, index: number): Breach[] => found(path, files[`configs/${index}`], configId === null ? [content ?? ''] : world.canaries.of(configId, version));
  return [...secrets.flatMap(ofSecret), ...configs.flatMap(ofConfig)];
}

/** Who stands on a secret or a config, or moves to one that does. */
export function valueUsers({ services, jobs }: Ledger, id: string): string[] {
  const uses = ({ secrets = [], configs = [] }: { secrets?: readonly SecretUse[]; configs?: readonly ConfigUse[] }): boolean => secrets.some(({ secretId }) => secretId === id) || configs.some(({ configId }) => configId === id);
  return [
    ...[...services].filter(([, service]) => service.status === 'present' && service.lifecycle !== 'DELETED' && [service.stableRelease, workingRelease(service)].some((number) => uses(service.releases.get(number ?? 0) ?? {}))).map(([user]) => user),
    ...[...jobs].filter(([, job]) => job.status === 'open' && uses(job.definition.spec)).map(([user]) => user),
  ];
}

/** One that has been used ever since its deletion was asked for: refused. Who begins to use it just then is told by its containers. */
export function deletionBreaches({ ledger, deletions }: World, { stream, type, metadata }: Recorded): Breach[] {
  if (type !== 'SecretDeleted' && type !== 'ConfigDeleted') return [];
  const users = valueUsers(ledger, parseStream(stream).id);
  const ignored = deletions.usersAllAlong(metadata.commandId).find((user) => users.includes(user));
  return ignored ? [{ law: 'what is used is not deleted', what: `${stream} was deleted, and ${ignored} uses it` }] : [];
}

/** What isn't at rest about secrets and configs. */
export async function valuesLeft(world: World): Promise<string[]> {
  const { services, values, effects } = world.ledger;
  const behind = [...services].flatMap(([id, service]) => {
    if (service.status !== 'present' || service.lifecycle !== 'ACTIVE') return [];
    return [...followedBy(service.releases.get(workingRelease(service)) ?? {})].flatMap(([valueId, version]) => {
      const held = values.get(valueId);
      const due = held?.status === 'present' ? rolledVersion(held) : 0;
      const wasRolled = effects.has(`${commandIdOf('follow', id, valueId, String(due))}|ReleaseCut`);
      return due > (version ?? 0) && !wasRolled ? [`${id} follows ${valueId}, and stays at version ${version} of ${due}`] : [];
    });
  });
  const kept = await world.shelf.values.kept();
  const remains = kept.filter(({ id }) => values.get(id)?.status === 'deleted').map(({ id }) => `${id} is deleted, and a value of it is kept`);
  const named = [...values.values()].flatMap((held) => (held.status === 'present' ? [...held.versions.values()].map(({ valueId }) => ({ id: held.id, valueId })) : []));
  const lost = named.filter(({ id, valueId }) => !kept.some((ref) => ref.id === id && ref.valueId === valueId)).map(({ id, valueId }) => `${id} has lost the value that ${valueId} kept`);
  return [...behind, ...remains, ...lost];
}
