import { subjects, type Bus, type Clock, type Logger, type ProcessFigures } from '#contracts';
import { upcast, type DeploymentOutcome } from '#domain';
import { followLog, type EventStore } from '#event-store';

/** A process that said nothing for three turns is gone. */
const SILENT_AFTER_MS = 35_000;

/** What a gateway counts of the platform itself, in memory: deployments from the log, reconciliations from what processes tell. */
export class PlatformFigures {
  readonly #ended = new Map<DeploymentOutcome, number>();
  readonly #told = new Map<string, { readonly figures: ProcessFigures; readonly heardAt: number }>();

  constructor(private readonly clock: Clock) {}

  /** @returns a function that ends it. */
  listen(bus: Bus): () => void {
    return bus.subscribe<ProcessFigures>(subjects.figures('*'), (figures) => {
      this.#told.set(`${figures.app} ${figures.process}`, { figures, heardAt: this.clock.monotonic() });
    });
  }

  /** Counts the deployments that ended, from the beginning of the log, until aborted. */
  follow(parts: { readonly store: EventStore; readonly logger: Logger; readonly signal: AbortSignal }): Promise<void> {
    return followLog({
      store: parts.store,
      clock: this.clock,
      signal: parts.signal,
      after: null,
      prefixes: ['docker_service-'],
      onEvent: (recorded) => {
        if (recorded.type !== 'DeploymentEnded') return;
        const { outcome } = upcast(recorded).data as { outcome: DeploymentOutcome };
        this.#ended.set(outcome, (this.#ended.get(outcome) ?? 0) + 1);
      },
      onCaughtUp: () => undefined,
      onDegraded: (error) => parts.logger.warn('following deployments is disturbed', { error }),
    });
  }

  /** How many deployments ended in each way. */
  get deployments(): ReadonlyMap<DeploymentOutcome, number> {
    return this.#ended;
  }

  /** What the processes that are there told last. */
  get processes(): readonly ProcessFigures[] {
    const since = this.clock.monotonic() - SILENT_AFTER_MS;
    for (const [key, { heardAt }] of this.#told) if (heardAt < since) this.#told.delete(key);
    return [...this.#told.values()].map(({ figures }) => figures);
  }
}
