import { randomBytes } from 'node:crypto';
import { Terminal } from '#contracts';
import { Sensitive } from '#domain';
import { decrypt, encrypt } from './aes.ts';
import type { KeptValue, KeyProvider, ValueRef, ValueStore } from './port.ts';

/** How many are looked up at once: of data keys that are wrapped anew, and of all that is kept. */
const PAGE = 100;

/** Values at rest: each version under a data key of its own, that key under the key-encryption key. Nothing else in the house sees a ciphertext. */
export class Vault {
  constructor(
    private readonly keys: KeyProvider,
    private readonly store: ValueStore,
  ) {}

  /** Keeps a value, durably; the same once more is silent.
   *  @returns false where another value stands under that very name: the request was sent before, with another one. */
  async keep(ref: ValueRef, value: Sensitive<string>): Promise<boolean> {
    const dataKey = randomBytes(32);
    const bound = boundTo(ref);
    const { projectId, id, version, valueId } = ref;
    const kept = { projectId, id, version, valueId, ...(await this.keys.wrap(dataKey, bound)), ciphertext: encrypt(dataKey, Buffer.from(value.reveal()), bound) };
    const standing = await this.store.insert(kept);
    if (standing.ciphertext.equals(kept.ciphertext)) return true;
    // Another project's is another one, and was encrypted as that.
    return standing.projectId === projectId && (await this.#decrypted(ref, standing)).equals(Buffer.from(value.reveal()));
  }

  /** @throws Terminal `value.missing`, `value.unreadable` (cut, changed, or another version's), `value.key_unknown`, `value.key_wrong`. */
  async open(ref: ValueRef): Promise<Sensitive<Buffer>> {
    const kept = await this.store.find(ref);
    if (!kept) throw new Terminal('value.missing', 'system', `${nameOf(ref)} isn't in the store of values: restore that from the copy which belongs to this log`);
    return new Sensitive(await this.#decrypted(ref, kept));
  }

  /** Whether what is kept is this value, of this project. @throws as `open` */
  async holds(ref: ValueRef, value: Sensitive<string>): Promise<boolean> {
    const kept = await this.store.find(ref);
    if (kept && kept.projectId !== ref.projectId) return false;
    return (await this.open(ref)).reveal().equals(Buffer.from(value.reveal()));
  }

  /** What came to nothing. */
  forget(ref: ValueRef): Promise<void> {
    return this.store.remove(ref);
  }

  /** Every version: nobody can open any of them any more. */
  forgetAll(id: string): Promise<void> {
    return this.store.removeAll(id);
  }

  /** All that is kept, by name; what is kept or forgotten meanwhile may be among it or not. */
  async *kept(): AsyncIterable<ValueRef> {
    for (let page = await this.store.list(null, PAGE); page.length > 0; page = await this.store.list(page.at(-1)!, PAGE)) yield* page;
  }

  /** Wraps every data key by the present key-encryption key, whichever that is by then; the values themselves stay as they are. May be repeated after a crash.
   *  @returns how many were wrapped anew. @throws Terminal as `open`, with those before it done. */
  async rewrap(): Promise<number> {
    const next = async () => this.store.wrappedOtherwise(await this.keys.current(), PAGE);
    let done = 0;
    for (let page = await next(); page.length > 0; page = await next()) {
      for (const kept of page) {
        const bound = boundTo(kept);
        const to = await this.keys.wrap(await this.keys.unwrap(kept, bound), bound);
        if (await this.store.rewrap(kept, kept.kek, to)) done += 1;
      }
    }
    return done;
  }

  async #decrypted(ref: ValueRef, kept: KeptValue): Promise<Buffer> {
    const bound = boundTo(ref);
    const plain = decrypt(await this.keys.unwrap(kept, bound), kept.ciphertext, bound);
    if (plain) return plain;
    throw new Terminal('value.unreadable', 'system', `what is kept as ${nameOf(ref)} was cut or changed, or is another version's: restore the store of values from a copy`);
  }
}

const boundTo = ({ projectId, id, version }: ValueRef): string => `${projectId}|${id}|${version}`;

const nameOf = ({ id, version }: ValueRef): string => `version ${version} of ${id}`;
