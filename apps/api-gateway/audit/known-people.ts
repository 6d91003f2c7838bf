import { mayIn, type TenantContext } from '#contracts';
import type { OriginId, ProjectId, UserId } from '#domain';
import { getMember, type AuditAnswer } from '#read-models';
import type { Gateway } from '../gateway.ts';

/** An entry with what the store of identities knows of whoever did it: what it has forgotten, and what isn't for whoever asks, is left out. */
export interface NamedEntry extends AuditAnswer {
  readonly actor: AuditAnswer['actor'] & { readonly login?: string; readonly name?: string | null };
  readonly origin: { readonly id: string; readonly address?: string } | null;
}

/** Joins entries with names and addresses, as they are known at this moment. Names of people are for whoever may list the members that they are, names
 *  of tokens and addresses for owners; what isn't of the project's own people and tokens is for operators alone. */
export class KnownPeople {
  constructor(
    private readonly gateway: Gateway,
    private readonly tenant: TenantContext,
  ) {}

  async named(entries: readonly AuditAnswer[]): Promise<readonly NamedEntry[]> {
    const isOwn = await this.#ownActors(entries);
    const [people, tokens, addresses] = await Promise.all([this.#people(entries.filter(isOwn)), this.#tokens(entries), this.#addresses(entries.filter((entry) => isOwn(entry) && this.#owns(entry)))]);
    return entries.map((entry) => {
      const { actor, origin_id: id } = entry;
      const known = !isOwn(entry) ? undefined : actor.type === 'user' ? people.get(actor.id) : tokens.get(actor.id);
      const address = isOwn(entry) && this.#owns(entry) ? addresses.get(id ?? '') : undefined;
      return { ...entry, actor: { ...actor, ...known }, origin: id === null ? null : { id, ...(address !== undefined && { address }) } };
    });
  }

  /** Whether whoever did it belongs to the project at this moment. To operators everybody is known. */
  async #ownActors(entries: readonly AuditAnswer[]): Promise<(entry: AuditAnswer) => boolean> {
    if (this.tenant.role === 'operator') return () => true;
    const people = new Map(entries.flatMap(({ actor, project_id }) => (actor.type === 'user' && project_id !== null ? [[`${project_id} ${actor.id}`, { projectId: project_id, userId: actor.id }] as const] : [])));
    const members = new Map(await Promise.all([...people].map(async ([key, { projectId, userId }]) => [key, (await getMember(this.gateway.reads, this.tenant, projectId, userId)) !== null] as const)));
    return ({ actor, project_id }) => (actor.type === 'token' ? actor.id !== OPERATORS : members.get(`${project_id} ${actor.id}`) === true);
  }

  #owns({ project_id }: AuditAnswer): boolean {
    return mayIn(this.tenant, project_id ?? '', 'owner');
  }

  async #people(entries: readonly AuditAnswer[]) {
    const ids = entries.flatMap(({ actor }) => (actor.type === 'user' ? [actor.id as UserId] : []));
    const found = ids.length > 0 ? await this.gateway.parts.identities.findUsers([...new Set(ids)]) : [];
    return new Map<string, { readonly login: string; readonly name: string | null }>(found.map(({ userId, login, name }) => [userId, { login, name }]));
  }

  async #tokens(entries: readonly AuditAnswer[]) {
    const projects = entries.flatMap((entry) => (entry.actor.type === 'token' && entry.actor.id !== OPERATORS && entry.project_id !== null && this.#owns(entry) ? [entry.project_id as ProjectId] : []));
    const found = (await Promise.all([...new Set(projects)].map((projectId) => this.gateway.parts.identities.tokensOf(projectId)))).flat();
    return new Map<string, { readonly name: string }>(found.map(({ tokenId, name }) => [tokenId, { name }]));
  }

  async #addresses(entries: readonly AuditAnswer[]): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(entries.flatMap(({ origin_id }) => (origin_id === null ? [] : [origin_id as OriginId])))];
    const found = await Promise.all(ids.map((id) => this.gateway.parts.identities.findOrigin(id)));
    return new Map(found.flatMap((origin) => (origin ? [[origin.originId, origin.address] as const] : [])));
  }
}

/** Of no project. */
const OPERATORS = 'tok_operator';
