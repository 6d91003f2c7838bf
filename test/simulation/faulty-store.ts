import type { Appended, EventStore, Expected, Followed, NewEvent, PageOptions, Position, Raw, Recorded } from '#event-store';

/** One process's view of a shared store, that can be frozen (SIGSTOP) and thawed, or cut off for good (SIGKILL). */
export class FaultyStore implements EventStore {
  /** Appends that were begun, in any number at once; those of a dead process not counted. */
  appends = 0;
  private frozen: Promise<void> | null = null;
  private thawed: () => void = () => undefined;
  private freezeAt = Infinity;
  private killAt = Infinity;
  private killAfterWrite = false;
  private dead = false;
  private onDeath: () => void = () => undefined;

  constructor(private readonly store: EventStore) {}

  get storeId(): string {
    return this.store.storeId;
  }

  get isFrozen(): boolean {
    return this.frozen !== null;
  }

  get isDead(): boolean {
    return this.dead;
  }

  /** Every operation that begins from now on waits for `thaw`. */
  freeze(): void {
    this.frozen = new Promise((resolve) => (this.thawed = resolve));
  }

  /** Freezes just before the `n`-th append (from 1) is written: whatever was planned for it grows stale. */
  freezeAtAppend(n: number): void {
    this.freezeAt = n;
  }

  thaw(): void {
    this.freezeAt = Infinity;
    this.frozen = null;
    this.thawed();
  }

  /** The process dies at its `n`-th append (from 1), just before it is written or just after. */
  dieAtAppend(n: number, when: 'before' | 'after', onDeath: () => void): void {
    this.killAt = n;
    this.killAfterWrite = when === 'after';
    this.onDeath = onDeath;
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    if (this.dead) return NEVER;
    this.appends += 1;
    const last = this.appends === this.killAt;
    if (this.appends === this.freezeAt && !this.frozen) this.freeze();
    await this.pass();
    if (last && !this.killAfterWrite) return this.die();
    const done = await this.store.append(stream, expected, events);
    return last ? this.die() : done;
  }

  async *readStream(stream: string, options?: { from?: bigint; limit?: number }): AsyncIterable<Recorded> {
    await this.pass();
    yield* this.store.readStream(stream, options);
  }

  async readAll(after: Position | null, options: { prefixes?: readonly string[]; limit: number }): Promise<{ events: Recorded[]; next: Position | null }> {
    await this.pass();
    return this.store.readAll(after, options);
  }

  async readRaw(after: Position | null, options: PageOptions): Promise<{ events: Raw[]; next: Position | null }> {
    await this.pass();
    return this.store.readRaw(after, options);
  }

  async *follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    for await (const followed of this.store.follow(after, prefixes, signal)) {
      await this.pass();
      yield followed;
    }
  }

  async close(): Promise<void> {}

  /** A dead process does nothing more: what it awaits never comes. */
  private async pass(): Promise<void> {
    while (this.frozen) await this.frozen;
    if (this.dead) await NEVER;
  }

  private die(): Promise<never> {
    this.dead = true;
    this.onDeath();
    return NEVER;
  }
}

const NEVER = new Promise<never>(() => undefined);
