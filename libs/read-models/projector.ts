import type { Clock, Logger } from '#contracts';
import type { EventStore, Followed, Position, Recorded } from '#event-store';
import { foldBatch } from './fold-batch.ts';
import { foreignHistory } from './foreign-history.ts';
import { LogPages } from './log-pages.ts';
import type { Document, ReadModelStore, ViewRef } from './port.ts';
import { rebuild } from './rebuild.ts';
import { compareShape, firstBuild, prepareBuild } from './versions.ts';
import type { View } from './view.ts';

export interface ProjectorParts<Doc extends Document> {
  readonly store: EventStore;
  readonly models: ReadModelStore;
  readonly view: View<Doc>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly upcast: (event: Recorded) => Recorded;
  /** At most so many events are folded before they are written. Default 200; more where much of the log is behind. */
  readonly batch?: number;
  /** The log, where several views are far behind at once; by default it is read for this one alone. */
  readonly pages?: LogPages;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;

/** Keeps one view up with the log: documents and checkpoint are written together, and an event is folded once, whatever crashes.
 *  Several may run on one store: the one that comes second reads on from where the first has got to. */
export class Projector<Doc extends Document = Document> {
  readonly name: string;
  #position: Position | null = null;
  #caughtUp = false;
  #degraded: Error | null = null;
  #lastAt: string | null = null;
  #waiting = new Set<() => void>();
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: ProjectorParts<Doc>) {
    this.name = parts.view.schema.view;
  }

  /** Everything of the view's streams up to here is in the documents; null before the first event. */
  get position(): Position | null {
    return this.#position;
  }

  /** Nothing newer was in the log when it was looked at last. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** What stands in the way; null while all goes well. Reads go on, of what was folded before. */
  get degraded(): Error | null {
    return this.#degraded;
  }

  /** Milliseconds since the event that was folded last, as long as there are newer ones; 0 when caught up. */
  get lag(): number {
    if (this.#caughtUp || this.#lastAt === null) return 0;
    return Math.max(0, this.parts.clock.now() - Date.parse(this.#lastAt));
  }

  /** Begins to follow. Trouble is waited out with a growing pause, never skipped. */
  start(): void {
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Ends after the batch at hand. Harmless when it isn't running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** True as soon as a reader finds everything up to `position`; false when that takes longer than `timeoutMs`. */
  async waitFor(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#until(() => this.#position !== null && this.#position >= position, timeoutMs);
  }

  /** True as soon as the projector has once come to the end of the log; false when that takes longer than `timeoutMs`. */
  async waitUntilCaughtUp(timeoutMs: number): Promise<boolean> {
    return this.#until(() => this.#caughtUp, timeoutMs);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.parts;
    let backoff = FIRST_BACKOFF_MS;
    while (!signal.aborted) {
      try {
        const wentWell = (): unknown => (backoff = FIRST_BACKOFF_MS);
        const ref = await this.#liveVersion(signal);
        if (!(await this.#catchUp(ref, signal, wentWell))) continue;
        await this.#follow(ref, signal, wentWell);
      } catch (error) {
        if (signal.aborted) return;
        this.#trouble(error);
        logger.error('projection is held up', { view: this.name, position: this.#position, error });
        await clock.sleep(backoff, signal);
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
      }
    }
  }

  /** Folds whole pages for as long as the log has them, and then makes the indexes. False as soon as another projector or a flip has
   *  come first, or when aborted. */
  async #catchUp(ref: ViewRef, signal: AbortSignal, wentWell: () => void): Promise<boolean> {
    const { models, store, view, upcast, pages = new LogPages(store, upcast) } = this.parts;
    let checkpoint = await models.checkpoint(ref);
    while (!signal.aborted) {
      const page = await pages.readWhole(checkpoint, view.prefixes);
      if (!page) {
        await prepareBuild(models, view.schema, ref.version, store.storeId);
        return true;
      }
      if ((await this.#write(ref, checkpoint, page.next!, page.events)) === 'stale') return false;
      checkpoint = page.next;
      this.#degraded = null;
      wentWell();
      this.#reach(checkpoint);
    }
    return false;
  }

  /** Follows until aborted, or until another projector or a flip has come first: then it has to look again where to go on. */
  async #follow(ref: ViewRef, signal: AbortSignal, wentWell: () => void): Promise<void> {
    let checkpoint = await this.parts.models.checkpoint(ref);
    this.#reach(checkpoint);
    let pending: Recorded[] = [];
    for await (const followed of this.parts.store.follow(checkpoint, this.parts.view.prefixes, signal)) {
      if ('degraded' in followed) {
        this.#trouble(followed.degraded);
        continue;
      }
      this.#caughtUp = false;
      if ('event' in followed) pending.push(this.parts.upcast(followed.event));
      const next = dueAt(followed, pending, this.parts.batch ?? 200);
      if (next === undefined) continue;
      if (pending.length > 0 && next !== null) {
        if ((await this.#write(ref, checkpoint, next, pending)) === 'stale') return;
        checkpoint = next;
        pending = [];
      }
      this.#degraded = null;
      wentWell();
      this.#caughtUp = 'caughtUp' in followed;
      this.#reach(next);
    }
    if (!signal.aborted) throw new Error('the subscription ended by itself');
  }

  async #write(ref: ViewRef, expected: Position | null, next: Position, events: readonly Recorded[]): Promise<'applied' | 'stale'> {
    const { models, view } = this.parts;
    const ops = await foldBatch(models, ref, view, events);
    this.#lastAt = events.at(-1)?.metadata.at ?? this.#lastAt;
    return models.apply(ref, expected, next, ops);
  }

  /** The version that readers see. The first start makes it; documents of an older shape, or of another history than the log's, are
   *  built anew before anything is followed. */
  async #liveVersion(signal: AbortSignal): Promise<ViewRef> {
    const { store, models, view, logger } = this.parts;
    const live = await models.active(this.name);
    if (live === null) {
      const ref = await prepareBuild(models, view.schema, firstBuild(view.schema), store.storeId, false);
      await models.activate(ref.view, ref.version);
      return ref;
    }
    const shape = compareShape(live, view.schema);
    if (shape > 0) throw new Error(`the view ${this.name} was built by a newer version of the software`);
    const foreign = await foreignHistory(store, models, { view: this.name, version: live });
    if (foreign !== null) logger.warn('view is of another history, so it is built anew', { view: this.name, version: live, reason: foreign });
    const { version } = shape < 0 || foreign !== null ? await rebuild({ ...this.parts, signal }) : { version: live };
    return { view: this.name, version };
  }

  #trouble(error: unknown): void {
    this.#caughtUp = false;
    this.#degraded = error instanceof Error ? error : new Error(String(error));
  }

  #reach(position: Position | null): void {
    this.#position = position;
    for (const check of [...this.#waiting]) check();
  }

  #until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (held: boolean): void => {
        cancel();
        this.#waiting.delete(check);
        resolve(held);
      };
      const check = (): void => {
        if (condition()) settle(true);
      };
      const cancel = this.parts.clock.after(timeoutMs, () => settle(false));
      this.#waiting.add(check);
    });
  }
}

/** Where the checkpoint goes when the batch has to be written now; undefined while it may still grow. */
function dueAt(followed: Exclude<Followed, { degraded: Error }>, pending: readonly Recorded[], batch: number): Position | null | undefined {
  if ('caughtUp' in followed) return followed.caughtUp;
  return pending.length >= batch ? followed.event.position : undefined;
}
