import { Binary, MongoServerError, type Collection } from 'mongodb';
import { Transient, type Clock } from '#contracts';
import { MongoConnection } from '#mongodb';
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

const DUPLICATE_KEY = 11000;

/** Values in a MongoDB database of their own (the URL's, `waybill_values` without one); connects when it is first used.
 *  @throws the driver's MongoParseError for a URL that is none. */
export function openMongoValueStore(url: string, clock: Clock): ValueStore {
  return new MongoValueStore(new MongoConnection({ url, database: 'waybill_values', clock, client: { journal: true } }));
}

class MongoValueStore implements ValueStore {
  constructor(private readonly connection: MongoConnection) {}

  private get values(): Collection<Stored> {
    return this.connection.db.collection('held_values');
  }

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

  list(after: ValueRef | null, limit: number): Promise<readonly ValueRef[]> {
    const behind = after === null ? {} : { _id: { $gt: keyOf(after) } };
    return this.#ask(async () => (await this.values.find(behind, { sort: { _id: 1 }, limit, projection: { wrapped: 0, ciphertext: 0 } }).toArray()).map(refOf));
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
    await this.connection.close();
  }

  /** @throws Transient `value_store.unavailable`, without a word of what was to be written */
  #ask<T>(work: () => Promise<T>): Promise<T> {
    return this.connection.ask(work).catch((error: unknown) => {
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

const refOf = ({ project_id, value_of, version, value_id }: Stored): ValueRef => ({ projectId: project_id, id: value_of, version, valueId: value_id });

const kept = (found: Stored): KeptValue => ({ ...refOf(found), kek: found.kek, wrapped: Buffer.from(found.wrapped.buffer), ciphertext: Buffer.from(found.ciphertext.buffer) });
