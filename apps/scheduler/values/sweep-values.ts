import { loadHeld } from '#application';
import type { Logger } from '#contracts';
import type { AggregateStore } from '#event-store';
import type { ValueRef, Vault } from '#secrets';

/** When what is kept for nothing goes. Milliseconds. */
export interface SweepTimes {
  /** From one look to the next. */
  readonly everyMs: number;
  /** How long a value has to be named by nothing, at every look. */
  readonly unnamedForMs: number;
}

/** A day is far longer than any request goes on trying, and gives whoever has put an older log back the time to find a later one. */
export const SWEEP: SweepTimes = { everyMs: 3_600_000, unnamedForMs: 86_400_000 };

/** Takes away values that no event names, since whoever kept them ended before he could tell, and those of what was deleted, where the request ended
 *  before it could. A value that is named stays whatever happens: each look reads the stream just before it takes anything away, and what isn't named
 *  goes only after this process has found it so for as long as it takes, by its own clock. So a restart, and a log that was put back (which needs
 *  one), begins that time anew. */
export class SweepValues {
  /** What was found to be named by nothing, and when first. */
  #unnamed = new Map<string, number>();

  constructor(
    private readonly ports: { readonly aggregates: AggregateStore; readonly vault: Vault; readonly clock: { monotonic(): number }; readonly logger: Logger },
    private readonly unnamedForMs: number,
  ) {}

  /** One look at all that is kept. Any number may look at once. @throws what the two stores throw: the rest waits for the next look */
  async look(): Promise<void> {
    const unnamed = new Map<string, number>();
    for await (const ref of this.ports.vault.kept()) {
      const standing = await this.#standingOf(ref);
      if (standing === 'named') continue;
      const key = `${ref.id}|${ref.version}|${ref.valueId}`;
      const since = this.#unnamed.get(key) ?? this.ports.clock.monotonic();
      unnamed.set(key, since);
      if (standing === 'unnamed' && this.ports.clock.monotonic() - since < this.unnamedForMs) continue;
      await this.ports.vault.forget(ref);
      this.ports.logger.info('a value that nothing names was removed', { value_id: ref.id, version: ref.version, reason: standing });
    }
    this.#unnamed = unnamed;
  }

  async #standingOf({ id, version, valueId }: ValueRef): Promise<'named' | 'unnamed' | 'deleted'> {
    const held = await loadHeld(this.ports.aggregates, id);
    if (held.status === 'deleted') return 'deleted';
    return held.status === 'present' && held.versions.get(version)?.valueId === valueId ? 'named' : 'unnamed';
  }
}
