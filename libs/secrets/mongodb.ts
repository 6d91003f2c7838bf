import { Binary, MongoClient, MongoServerError, type Collection } from 'mongodb';
import { Transient } from '#contracts';
import type { KeptValue, ValueRef, ValueStore, WrappedKey } from './port.ts';

interface Stored {
  readonly _id: string;
  readonly project_id: string;
  readonly value_of: string;
  readonly version: number;
  readonly value_id: string;
  readonly kek: string;
  readonly wrapped: Binary;
  readonly ciphertext: Binary;
}

/** Who asks would rather hear that the server is away than wait longer. Milliseconds. */
const LIMITS = { serverSelectionTimeoutMS: 2_000, connectTimeoutMS: 2_000, heartbeatFrequencyMS: 2_000, w: 'majority', journal: true } as const;

const DUPLICATE_KEY = 11000;

/** Values in a MongoDB database of their own (the URL's, `waybill_values` without one); connects when it is first used.
 *  @throws the driver's MongoParseError for a URL that is none. */
export function openMongoValueStore(url: string): ValueStore {
  const client = new MongoClient(url, { appName: 'waybill', ...LIMITS });
  const name = decodeURIComponent(/^[^:]+:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1] ?? 'waybill_values');
  return new MongoValueStore(client, client.db(name).collection<Stored>('held_values'));
}

class MongoValueStore implements ValueStore {
  #connected: Promise<unknown> | null = null;

  constructor(
    private readonly client: MongoClient,
    private readonly values: Collection<Stored>,
  ) {}

  insert(value: KeptValue): Promise<KeptValue> {
    return this.#ask(async () => {
      await this.values.insertOne(stored(value)).catch((error: unknown) => {
        if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
      });
      return kept((await this.values.findOne({ _id: keyOf(value) }))!);
    });
  }

  find(ref: ValueRef): Promise<KeptValue | null> {
    return this.#ask(async () => {
      const found = await this.values.findOne({ _id: keyOf(ref) });
      return found && kept(found);
    });
  }

  async remove(ref: ValueRef): Promise<void> {
    await this.#ask(() => this.values.deleteOne({ _id: keyOf(ref) }));
  }

  async removeAll(id: string): Promise<void> {
    await this.#ask(() => this.values.deleteMany({ value_of: id }));
  }

  wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]> {
    return this.#ask(async () => (await this.values.find({ kek: { $ne: kek } }, { sort: { _id: 1 }, limit }).toArray()).map(kept));
  }

  rewrap(ref: ValueRef, from: string, { kek, wrapped }: WrappedKey): Promise<boolean> {
    return this.#ask(async () => (await this.values.updateOne({ _id: keyOf(ref), kek: from }, { $set: { kek, wrapped: new Binary(wrapped) } })).modifiedCount === 1);
  }

  keksInUse(): Promise<readonly string[]> {
    return this.#ask(() => this.values.distinct('kek'));
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  /** @throws Transient `value_store.unavailable`, without a word of what was to be written */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      await (this.#connected ??= this.client.connect());
    } catch (error) {
      this.#connected = null;
      throw unavailable(error);
    }
    return work().catch((error: unknown) => {
      throw unavailable(error);
    });
  }
}

const unavailable = (error: unknown): Transient => new Transient('value_store.unavailable', `MongoDB can't be used for values: ${(error as Error).message}`);

const keyOf = ({ id, version, valueId }: ValueRef): string => `${id}.${version}.${valueId}`;

const stored = (value: KeptValue): Stored => ({
  _id: keyOf(value), project_id: value.projectId, value_of: value.id, version: value.version, value_id: value.valueId, kek: value.kek,
  wrapped: new Binary(value.wrapped), ciphertext: new Binary(value.ciphertext),
});

const kept = ({ project_id, value_of, version, value_id, kek, wrapped, ciphertext }: Stored): KeptValue => ({
  projectId: project_id, id: value_of, version, valueId: value_id, kek, wrapped: Buffer.from(wrapped.buffer), ciphertext: Buffer.from(ciphertext.buffer),
});
