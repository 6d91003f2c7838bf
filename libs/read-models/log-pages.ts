import type { EventStore, Position, Recorded } from '#event-store';

/** A part of the log, as one view sees it. */
export interface LogPage {
  /** Of the streams that were asked for, brought to the present version of their data. */
  readonly events: readonly Recorded[];
  /** Where to go on, past the events of other streams too; the position that was asked for where nothing follows. */
  readonly next: Position | null;
}

/** Pages kept: readers that go side by side are at most one apart. */
const KEPT = 3;

/** The log in large pages, for several views that are folded at the same time: each page is read and decoded once, whoever asks for it,
 *  and shared out by prefix. A reader that is elsewhere than the others reads for itself. Nothing is kept once the log's end was seen. */
export class LogPages {
  readonly #pages = new Map<Position | null, Promise<LogPage>>();

  /** @param limit events of all streams in a page */
  constructor(
    private readonly store: EventStore,
    private readonly upcast: (event: Recorded) => Recorded,
    private readonly limit = 4_000,
  ) {}

  /** The page after a position. @throws what the store throws; asked again, it is read again. */
  async read(after: Position | null, prefixes: readonly string[] | undefined): Promise<LogPage> {
    return this.#seenBy(prefixes, await this.#page(after));
  }

  /** The same; null where the log has no whole page any more. */
  async readWhole(after: Position | null, prefixes: readonly string[] | undefined): Promise<LogPage | null> {
    const page = await this.#page(after);
    return page.events.length < this.limit ? null : this.#seenBy(prefixes, page);
  }

  #seenBy(prefixes: readonly string[] | undefined, { events, next }: LogPage): LogPage {
    const seen = prefixes ? events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix))) : events;
    return { events: seen.map(this.upcast), next };
  }

  #page(after: Position | null): Promise<LogPage> {
    const known = this.#pages.get(after);
    if (known) return known;
    const page = this.store.readAll(after, { limit: this.limit });
    this.#pages.set(after, page);
    if (this.#pages.size > KEPT) this.#pages.delete(this.#pages.keys().next().value!);
    page.then(
      // The end will have grown when it is asked for again.
      ({ events }) => events.length < this.limit && this.#pages.clear(),
      () => this.#pages.delete(after),
    );
    return page;
  }
}
