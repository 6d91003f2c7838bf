import { addHeldVersion, createHeldValue, deleteHeldValue, heldIdOf, heldStands, loadHeld, nextVersion, type Dispatcher, type HeldKind, standingOr } from '#application';
import { reaches, Terminal, Transient, type TenantContext } from '#contracts';
import { isUnwritten, nameViolations, Rejection, valueViolations, type Apply, type CommandMetadata, type EnvironmentId, type ExistingValue, type HeldValue, type ProjectId, type Sensitive } from '#domain';
import { logEnd, type Handled } from '#event-store';
import { USER_VIEWS, valueUsersIn } from '#read-models';
import type { ValueRef } from '#secrets';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { fingerprint, type Mutation } from '../edge/mutation.ts';
import type { Gateway, GatewayParts } from '../gateway.ts';

/** How a kind says its value. */
const FIELD = { secret: 'value', config: 'content' } as const;
/** A secret that is empty is a mistake, a file may be. */
const LEAST = { secret: 1, config: 0 } as const;

/** Others that add a version at the same time. */
const TRIES = 20;

/** The way of values from a request to the vault: kept first, then told of by an event that names the id under which it is kept. A crash between the two,
 *  and a refusal, leave a ciphertext that nothing speaks of: a scheduler sweeps it away. Nobody does it here, since the same request may be carried out
 *  at this moment by another gateway, or be sent again. */
export class KeepValue {
  constructor(
    private readonly gateway: Pick<Gateway, 'fresh' | 'reads'> & { readonly parts: Pick<GatewayParts, 'aggregates' | 'vault' | 'store'> },
    private readonly dispatcher: Dispatcher,
    private readonly kind: HeldKind,
  ) {}

  /** @throws InvalidRequest; Rejection `name.taken`, `environment.not_found`, `idempotency.key_reused`. */
  async create(asked: { readonly projectId: ProjectId; readonly environmentId: EnvironmentId | null; readonly name: string; readonly value: Sensitive<string> }, change: Mutation): Promise<{ readonly id: string; readonly handled: Handled<unknown> }> {
    const { kind, dispatcher } = this;
    const { aggregates } = this.gateway.parts;
    const { value, ...named } = asked;
    this.#refuse([...nameViolations(named.name), ...valueViolations(`/${FIELD[kind]}`, value.reveal(), LEAST[kind])]);
    const metadata = withoutValue(change, asked.projectId, named);
    const valueId = metadata.commandId;
    const id = heldIdOf(kind, metadata.commandId);
    const ref = { projectId: asked.projectId, id, version: 1, valueId };
    await this.#keep(ref, value, (await loadHeld(aggregates, id)).status);
    const handled = await createHeldValue({ dispatcher, aggregates }, kind, { ...named, valueId }, metadata);
    return { id, handled };
  }

  /** The next version. @throws InvalidRequest; Rejection `secret.deleted`, `idempotency.key_reused`, or the same of a config; PreconditionFailed. */
  async change(held: ExistingValue<string>, value: Sensitive<string>, apply: Apply, change: Mutation): Promise<Handled<unknown>> {
    const { aggregates } = this.gateway.parts;
    const { id, projectId } = held;
    this.#refuse(valueViolations(`/${FIELD[this.kind]}`, value.reveal(), LEAST[this.kind]));
    const metadata = withoutValue(change, projectId, { apply });
    const valueId = metadata.commandId;
    for (let tries = 1; ; tries += 1) {
      // In this order: what stands is in what is read after it.
      const isRepeat = await heldStands(aggregates, id, metadata.commandId);
      const present = await loadHeld(aggregates, id);
      if (isUnwritten(present)) throw this.notFound();
      const version = isRepeat ? versionOf(present, valueId) : nextVersion(present);
      const ref = { projectId, id, version, valueId };
      if (!isRepeat) await this.#keep(ref, value, 'absent');
      else if (present.status === 'present' && !(await this.#holds(ref, value))) throw keyReused();
      try {
        return await addHeldVersion(this.dispatcher, id, { version, valueId, apply }, { metadata, options: { ifMatch: change.ifMatch } });
      } catch (error) {
        if (!(error instanceof Rejection && error.code === `${this.kind}.version_taken`) || tries === TRIES) throw error;
      }
    }
  }

  /** Deleted is what its stream says to be: where the store of values is down meanwhile, a scheduler sweeps the ciphertext away once it is back.
   *  @throws Rejection `secret.in_use`, `config.in_use` with who uses it. */
  async delete(held: ExistingValue<string>, change: Mutation): Promise<Handled<unknown>> {
    const { aggregates, vault } = this.gateway.parts;
    const metadata = change.metadata(held.projectId);
    const remove = () => deleteHeldValue(this.dispatcher, held, metadata, { ifMatch: change.ifMatch });
    const deleted = await standingOr(async () => ((await heldStands(aggregates, held.id, metadata.commandId)) ? remove() : null), async () => {
      await this.#refuseUsed(held);
      return remove();
    });
    await vault.forgetAll(held.id).catch((error: unknown) => {
      if (!(error instanceof Transient)) throw error;
    });
    return deleted;
  }

  /** As its stream says. @throws Rejection `secret.not_found`, `config.not_found` outside the context's reach, and of a deleted one but for the retry of a
   *  request that was carried out before. */
  async reach(tenant: TenantContext, id: string, change?: Mutation): Promise<ExistingValue<string>> {
    const { aggregates } = this.gateway.parts;
    const isOfKind = id.startsWith(this.kind === 'secret' ? 'sec_' : 'cfg_');
    const held = isOfKind ? await loadHeld(aggregates, id) : ({ status: 'absent' } as const);
    if (isUnwritten(held) || !reaches(tenant, held.projectId)) throw this.notFound();
    if (held.status === 'deleted' && !(change && (await heldStands(aggregates, id, change.commandId)))) throw this.notFound();
    return held;
  }

  notFound(): Rejection {
    if (this.kind === 'secret') return new Rejection('not_found', 'secret.not_found', 'there is no such secret: GET /v1/secrets lists those within reach');
    return new Rejection('not_found', 'config.not_found', 'there is no such config: GET /v1/configs lists those within reach');
  }

  /** Of a thing that stands already: whether the request that is sent again says the same. Nothing is kept for what will never be there. */
  async #keep(ref: ValueRef, value: Sensitive<string>, status: HeldValue<string>['status']): Promise<void> {
    const { vault } = this.gateway.parts;
    if (status === 'deleted' || status === 'voided') return;
    const isSame = status === 'absent' ? await vault.keep(ref, value) : await this.#holds(ref, value);
    if (!isSame) throw keyReused();
  }

  /** Of what was deleted since it was looked at nobody can say: then what stands is the answer. */
  async #holds(ref: ValueRef, value: Sensitive<string>): Promise<boolean> {
    const { aggregates, vault } = this.gateway.parts;
    try {
      return await vault.holds(ref, value);
    } catch (error) {
      const isMissing = error instanceof Terminal && error.code === 'value.missing';
      if (isMissing && (await loadHeld(aggregates, ref.id)).status === 'deleted') return true;
      throw error;
    }
  }

  async #refuseUsed({ id, projectId, name }: ExistingValue<string>): Promise<void> {
    // Of everything that stood when the deletion was asked for, whichever gateway wrote it.
    await this.gateway.fresh(USER_VIEWS, (await logEnd(this.gateway.parts.store)) ?? undefined);
    const users = (await valueUsersIn(this.gateway.reads, projectId)).get(id) ?? [];
    if (users.length === 0) return;
    const detail = `${name} is used by ${users.map((user) => `${user.type} ${user.name} (${user.id})`).join(', ')}: take it out there, or delete them first`;
    throw this.kind === 'secret' ? new Rejection('conflict', 'secret.in_use', detail, { usedBy: users }) : new Rejection('conflict', 'config.in_use', detail, { usedBy: users });
  }

  #refuse(violations: ReturnType<typeof valueViolations>): void {
    if (violations.length > 0) throw new InvalidRequest(violations.map(({ pointer, code, message }) => ({ pointer, code, detail: message })));
  }
}

/** The fingerprint that the event carries leaves the value out: nobody is to try guesses on the log. That a repeated request brings the same value is
 *  looked up in the vault. */
function withoutValue(change: Mutation, projectId: string, rest: object): CommandMetadata {
  const metadata = change.metadata(projectId);
  return change.bodyHash === null ? metadata : { ...metadata, bodyHash: fingerprint(rest) };
}

function versionOf({ versions, id }: ExistingValue<string>, valueId: string): number {
  const found = [...versions].find(([, version]) => version.valueId === valueId);
  if (!found) throw new Error(`${id} has no version of ${valueId}, which stands in its stream`);
  return found[0];
}

const keyReused = () => new Rejection('invalid', 'idempotency.key_reused', 'this Idempotency-Key was used with another body: choose a new key for a new request');
