import type { Collection } from 'mongodb';
import type { Clock, Logger, Random } from '#contracts';
import type { Position } from '#event-store';
import { MongoConnection } from '#mongodb';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { documentIn, sortValueIn, storedBy, type Stored } from './mongodb-document.ts';
import { asHouseError, duplicatesIn, isDroppedUnder } from './mongodb-errors.ts';
import { filterFor, indexesFor, orderOf } from './mongodb-query.ts';
import { buildKey, MongoVersions, type Build } from './mongodb-versions.ts';
import type { Document, Op, Page, Query, ReadModelStore, ViewRef, ViewSchema } from './port.ts';

export interface MongoReadModelOptions {
  /** `mongodb://…` or `mongodb+srv://…`; the database is the path's, `waybill` without one. What the URL says goes before what is set here. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Documents in a MongoDB database (7 or newer; a standalone server will do: no transactions), which several processes may use at once.
 *  It connects when it is first used, and again after the server was away. Dropping the database loses nothing that isn't in the log.
 *  Every method throws Transient `read_models.unavailable` while the server is away, Terminal `read_models.refused` where it says no.
 *  @throws the driver's MongoParseError for a URL that is none. */
export async function openMongoReadModels(options: MongoReadModelOptions): Promise<ReadModelStore> {
  return new MongoReadModels(new MongoConnection({ ...options, database: 'waybill' }), options);
}

class MongoReadModels implements ReadModelStore {
  readonly #versions: MongoVersions;
  /** Where versions that were named explicitly stand. One that was dropped meanwhile is found empty, and looked up again. */
  readonly #collections = new Map<string, string>();

  constructor(
    private readonly connection: MongoConnection,
    options: MongoReadModelOptions,
  ) {
    this.#versions = new MongoVersions(connection, options);
  }

  async prepare(schema: ViewSchema, storeId?: string, { indexed = true } = {}): Promise<void> {
    const work = async (): Promise<void> => {
      const { collection } = await this.#versions.make(schema, storeId ?? null);
      if (indexed) await this.#documents(collection).createIndexes(indexesFor(schema.indexes));
    };
    await this.connection.askPatiently(work).catch(asHouseErrors);
  }

  async storeOf(ref: ViewRef): Promise<string | null> {
    return this.#ask(async () => (await this.#versions.build(ref))?.storeId ?? null);
  }

  async checkpoint(ref: ViewRef): Promise<Position | null> {
    return this.#ask(async () => (await this.#versions.build(ref))?.checkpoint ?? null);
  }

  async apply(ref: ViewRef, expected: Position | null, next: Position, ops: readonly Op[]): Promise<'applied' | 'stale'> {
    return this.#ask(async () => {
      const claim = await this.#versions.claim(ref, expected, next);
      if (!claim) return 'stale';
      try {
        await this.#write(claim.build, ops);
        return (await this.#versions.commit(ref, claim.by, next)) ? 'applied' : 'stale';
      } catch (error) {
        this.#versions.abandon(claim.by);
        throw error;
      }
    });
  }

  async get<T>(view: string, id: string, version?: number): Promise<T | null> {
    const found = await this.#read(view, version, (documents) => documents.findOne({ _id: id }));
    return found && documentIn<T>(found);
  }

  async getMany<T>(view: string, ids: readonly string[], version?: number): Promise<ReadonlyMap<string, T>> {
    const found = await this.#read(view, version, async (documents) => orNull(await documents.find({ _id: { $in: [...ids] } }).toArray()));
    const documents = (found ?? []).map((stored) => [stored._id, documentIn<T>(stored)] as const);
    return new Map(documents.filter((entry): entry is [string, T] => entry[1] !== null));
  }

  async find<T>(view: string, query: Query, version?: number): Promise<Page<T>> {
    const filter = filterFor(query, query.after ? decodeCursor(query.after) : null);
    const one = { sort: orderOf(query.sort), limit: query.limit + 1, batchSize: query.limit + 2 };
    const found = (await this.#read(view, version, async (documents) => orNull(await documents.find(filter, one).toArray()))) ?? [];
    const items = found.slice(0, query.limit).map((stored) => documentIn<Document>(stored)!);
    const last = items.at(-1);
    const next = last && found.length > query.limit ? encodeCursor({ value: sortValueIn(last, query.sort?.field ?? 'id'), id: last.id }) : null;
    return { items: items as T[], next };
  }

  /** What others write isn't told without asking for it. */
  async mark(): Promise<null> {
    return null;
  }

  async active(view: string): Promise<number | null> {
    return this.#ask(async () => (await this.#versions.state(view))?.live ?? null);
  }

  async activate(view: string, version: number, { evenBehind = false } = {}): Promise<'activated' | 'behind'> {
    return this.#ask(async () => {
      for (;;) {
        const state = await this.#versions.state(view);
        const chosen = state?.versions[buildKey(version)];
        if (!chosen) throw new Error(`version ${version} of the view ${view} was never prepared`);
        if (state.live === version) return 'activated';
        const live = state.live === null ? undefined : state.versions[buildKey(state.live)];
        if (live && !evenBehind && frontOf(live) > (chosen.checkpoint ?? '')) return 'behind';
        if (await this.#versions.flip(state, chosen)) break;
      }
      await this.#versions.sweep(view);
      return 'activated';
    });
  }

  async drop({ view, version }: ViewRef): Promise<void> {
    await this.#ask(async () => {
      for (;;) {
        const state = await this.#versions.state(view);
        if (!state) return;
        if (state.live === version) throw new Error(`version ${version} of the view ${view} is live`);
        if (await this.#versions.forget(state, version)) return this.#versions.sweep(view);
      }
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #ask<T>(work: () => Promise<T>): Promise<T> {
    return this.connection.ask(work).catch(asHouseErrors);
  }

  /** Guarded by position: a key that is taken stands for something as new or newer, or, where another writer came in
   *  between, for something older; what stands there is never deleted, so a second pass without inserting settles it. */
  async #write({ collection }: Build, ops: readonly Op[]): Promise<void> {
    const latest = new Map<string, Stored>();
    for (const op of ops) {
      const stored = storedBy(op);
      if ((latest.get(stored._id)?.position ?? '') < stored.position) latest.set(stored._id, stored);
    }
    const replaced = [...latest.values()];
    const taken = await this.#replace(collection, replaced, true);
    await this.#replace(collection, taken.map((index) => replaced[index]!), false);
  }

  async #replace(collection: string, replaced: readonly Stored[], upsert: boolean): Promise<readonly number[]> {
    if (replaced.length === 0) return [];
    const writes = replaced.map((replacement) => ({ replaceOne: { filter: { _id: replacement._id, position: { $lt: replacement.position } }, replacement, upsert } }));
    try {
      await this.#documents(collection).bulkWrite(writes, { ordered: false });
      return [];
    } catch (error) {
      return duplicatesIn(error);
    }
  }

  /** Looks into a version. Where nothing is found, that is so only if the version stands where it was looked for:
   *  another process may have flipped, and dropped it, in between. */
  #read<T>(view: string, version: number | undefined, look: (documents: Collection<Stored>) => Promise<T | null>): Promise<T | null> {
    return this.#ask(async () => {
      for (let known = await this.#collectionOf(view, version, false); known !== null; ) {
        const found = await look(this.#documents(known)).catch(unlessDropped);
        if (found !== null) return found;
        const now = await this.#collectionOf(view, version, true);
        if (now === known) return null;
        known = now;
      }
      return null;
    });
  }

  async #collectionOf(view: string, version: number | undefined, anew: boolean): Promise<string | null> {
    const key = version === undefined ? null : `${view}/${version}`;
    const known = key && !anew ? this.#collections.get(key) : undefined;
    if (known !== undefined) return known;
    const state = await this.#versions.state(view);
    const chosen = version ?? state?.live;
    const name = (chosen != null && state?.versions[buildKey(chosen)]?.collection) || null;
    if (key && name) this.#collections.set(key, name);
    return name;
  }

  #documents(collection: string): Collection<Stored> {
    return this.connection.db.collection(collection);
  }
}

/** As far as readers of a version may already have seen. */
const frontOf = ({ checkpoint, writing }: Build): Position => [checkpoint ?? '', writing?.upTo ?? ''].sort().at(-1)!;

const orNull = <T>(found: T[]): T[] | null => (found.length > 0 ? found : null);

function asHouseErrors(error: unknown): never {
  throw asHouseError(error);
}

function unlessDropped(error: unknown): null {
  if (isDroppedUnder(error)) return null;
  throw error;
}
