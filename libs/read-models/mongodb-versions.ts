import type { Collection, Db, Filter } from 'mongodb';
import type { Clock, Random } from '#contracts';
import type { Position } from '#event-store';
import { checkedName } from './field-name.ts';
import { isDuplicateKey } from './mongodb-errors.ts';
import type { ViewRef } from './port.ts';

/** All that is decided about a view stands in one document, so that each decision is one guarded update, without transactions. */
export interface ViewState {
  readonly _id: string;
  readonly live: number | null;
  readonly versions: Readonly<Record<string, Build>>;
}

/** One version of a view. */
export interface Build {
  readonly version: number;
  /** Named anew each time that the version is prepared: who writes late to a dropped one can't spoil the next. */
  readonly collection: string;
  readonly checkpoint: Position | null;
  /** Lacking in those of an earlier release. */
  readonly storeId?: string | null;
  /** Who writes documents right now, and up to where: they may be seen before the checkpoint says so. */
  readonly writing: { readonly by: string; readonly upTo: Position } | null;
}

/** A claim that stays as it is for so long is taken for that of a process that died. One that was only slow does no harm:
 *  its documents are guarded by their positions, and its checkpoint isn't taken any more. */
const PATIENCE_MS = 3_000;

export const buildKey = (version: number): string => `v${version}`;

/** Which versions of each view there are, which one is live, and who may write to it. */
export class MongoVersions {
  /** Claims of this process whose write failed: it has ended, so the next one needn't wait for it. */
  readonly #abandoned = new Set<string>();

  constructor(
    private readonly at: { readonly db: Db },
    private readonly parts: { readonly clock: Clock; readonly random: Random },
  ) {}

  get #states(): Collection<ViewState> {
    return this.at.db.collection('views');
  }

  state(view: string): Promise<ViewState | null> {
    return this.#states.findOne({ _id: view });
  }

  async build({ view, version }: ViewRef): Promise<Build | null> {
    return (await this.state(view))?.versions[buildKey(version)] ?? null;
  }

  /** The version, made where it isn't there; its collection comes after, so that whatever collection isn't named here is nobody's. */
  async make(ref: ViewRef, storeId: string | null): Promise<Build> {
    const { view, version } = ref;
    const at = `versions.${buildKey(version)}`;
    for (;;) {
      const build = await this.build(ref);
      if (build) return build;
      const collection = `${checkedName(view)}_v${version}_${this.#token()}`;
      await this.#states.updateOne({ _id: view }, { $setOnInsert: { live: null, versions: {} } }, { upsert: true }).catch(unlessThere);
      const fresh: Build = { version, collection, checkpoint: null, storeId, writing: null };
      await this.#states.updateOne({ _id: view, [at]: { $exists: false } } as Filter<ViewState>, { $set: { [at]: fresh } });
    }
  }

  /** Lets one writer at a time go on from `expected`; waits for another one's end. Null: the checkpoint is elsewhere, or the version isn't there.
   *  @returns the claim, for `commit` or `abandon`, and where to write. */
  async claim(ref: ViewRef, expected: Position | null, upTo: Position): Promise<{ readonly by: string; readonly build: Build } | null> {
    const { clock, random } = this.parts;
    const by = this.#token();
    let other: string | null = null;
    let since = clock.monotonic();
    for (;;) {
      const build = await this.#take(ref, expected, { by, upTo });
      if (build) return { by, build };
      const found = await this.build(ref);
      if (!found || found.checkpoint !== expected) return null;
      if (found.writing && found.writing.by !== other) {
        other = found.writing.by;
        since = clock.monotonic();
      }
      if (other && clock.monotonic() - since >= PATIENCE_MS) this.#abandoned.add(other);
      else await clock.sleep(5 + random() * 20);
    }
  }

  /** Moves the checkpoint and ends the claim. False: it was taken for dead, or the version was dropped. */
  async commit({ view, version }: ViewRef, by: string, next: Position): Promise<boolean> {
    const at = `versions.${buildKey(version)}`;
    const mine = { _id: view, [`${at}.writing.by`]: by } as Filter<ViewState>;
    const { matchedCount } = await this.#states.updateOne(mine, { $set: { [`${at}.checkpoint`]: next, [`${at}.writing`]: null } });
    this.#abandoned.clear();
    return matchedCount === 1;
  }

  /** The write failed; whether the server has taken any of it isn't known. */
  abandon(by: string): void {
    this.#abandoned.add(by);
  }

  /** One look and one guarded flip; false when something moved in between. */
  async flip(state: ViewState, chosen: Build): Promise<boolean> {
    const others = Object.values(state.versions).filter(({ version }) => version !== chosen.version);
    const guard = [unmoved(chosen, ['collection']), ...others.map((other) => unmoved(other, ['collection', 'checkpoint', 'writing.by']))];
    const unset = Object.fromEntries(others.map(({ version }) => [`versions.${buildKey(version)}`, '' as const]));
    const update = { $set: { live: chosen.version }, ...(others.length > 0 ? { $unset: unset } : {}) };
    const { matchedCount } = await this.#states.updateOne({ $and: [{ _id: state._id, live: { $in: [state.live] } }, ...guard] } as Filter<ViewState>, update);
    return matchedCount === 1;
  }

  /** Forgets a version as it was seen; false when something was activated in between. */
  async forget(state: ViewState, version: number): Promise<boolean> {
    const seen = { _id: state._id, live: { $in: [state.live] } } as Filter<ViewState>;
    const { matchedCount } = await this.#states.updateOne(seen, { $unset: { [`versions.${buildKey(version)}`]: '' } });
    return matchedCount === 1;
  }

  /** Drops the collections of versions that are gone, also those that a late writer or a crash left behind. */
  async sweep(view: string): Promise<void> {
    const ours = new RegExp(`^${checkedName(view)}_v\\d+_[a-z0-9]+$`);
    const names = (await this.at.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).filter((name) => ours.test(name));
    // After the list: a collection is named in the state before it is made.
    const kept = new Set(Object.values((await this.state(view))?.versions ?? {}).map(({ collection }) => collection));
    for (const name of names) if (!kept.has(name)) await this.at.db.collection(name).drop();
  }

  async #take({ view, version }: ViewRef, expected: Position | null, writing: Build['writing']): Promise<Build | null> {
    const at = `versions.${buildKey(version)}`;
    const free = {
      _id: view,
      [`${at}.collection`]: { $exists: true },
      [`${at}.checkpoint`]: { $in: [expected] },
      [`${at}.writing.by`]: { $in: [null, ...this.#abandoned] },
    } as Filter<ViewState>;
    try {
      const state = await this.#states.findOneAndUpdate(free, { $set: { [`${at}.writing`]: writing } }, { returnDocument: 'after' });
      return state?.versions[buildKey(version)] ?? null;
    } catch (error) {
      this.abandon(writing!.by);
      throw error;
    }
  }

  #token(): string {
    return Array.from({ length: 16 }, () => Math.floor(this.parts.random() * 36).toString(36)).join('');
  }
}

const unmoved = (build: Build, names: readonly ('collection' | 'checkpoint' | 'writing.by')[]): object => {
  const seen = { collection: build.collection, checkpoint: build.checkpoint, 'writing.by': build.writing?.by ?? null };
  return Object.fromEntries(names.map((name) => [`versions.${buildKey(build.version)}.${name}`, { $in: [seen[name]] }]));
};

/** Two upserts of one document at once: the other one has made it. */
function unlessThere(error: unknown): void {
  if (!isDuplicateKey(error)) throw error;
}
