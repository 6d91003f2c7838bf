import type { OriginId } from '#domain';
import type { IdentityStore } from '#identity';
import { deriveId, randomCommandId } from '#platform';

const REMEMBERED = 5_000;

/** Which id an address has in events. The addresses themselves stay in a store that can forget them; an id is random, so that nobody finds an address by trying. */
export class Origins {
  readonly #known = new Map<string, OriginId>();

  constructor(private readonly identities: IdentityStore) {}

  async of(address: string): Promise<OriginId> {
    const known = this.#known.get(address);
    if (known) return known;
    const originId = await this.identities.originOf(address, deriveId('ori', randomCommandId(), 'origin', 0));
    this.#known.set(address, originId);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return originId;
  }

  /** The address has another id from now on, here at once, on other gateways when they start anew. */
  async forget(originId: OriginId): Promise<void> {
    for (const [address, known] of this.#known) if (known === originId) this.#known.delete(address);
    await this.identities.forgetOrigin(originId);
  }
}
