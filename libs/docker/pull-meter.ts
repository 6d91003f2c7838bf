import type { PullProgress } from '#domain';

/** Adds up what the engine tells of a pull, layer by layer. Layers that it has already aren't in it; the total grows until the
 *  registry has told of all. */
export class PullMeter {
  readonly #layers = new Map<string, { done: number; total: number }>();

  /** @param message a line of the engine's answer: `{status, id, progressDetail: {current, total}}` */
  take(message: Readonly<Record<string, unknown>>): PullProgress {
    const { id, status, progressDetail } = message as { id?: unknown; status?: unknown; progressDetail?: { current?: unknown; total?: unknown } };
    if (typeof id === 'string') this.#takeLayer(id, String(status), progressDetail ?? {});
    const layers = [...this.#layers.values()];
    return { doneBytes: layers.reduce((sum, { done }) => sum + done, 0), totalBytes: layers.reduce((sum, { total }) => sum + total, 0) };
  }

  #takeLayer(id: string, status: string, { current, total }: { current?: unknown; total?: unknown }): void {
    const before = this.#layers.get(id);
    if (status === 'Downloading' && typeof current === 'number' && typeof total === 'number' && total > 0) {
      this.#layers.set(id, { done: Math.min(current, total), total });
    } else if (before && DOWNLOADED.has(status)) this.#layers.set(id, { ...before, done: before.total });
  }
}

const DOWNLOADED: ReadonlySet<string> = new Set(['Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete']);
