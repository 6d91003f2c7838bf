import { Rejection } from '#domain';
import type { Position } from '#event-store';
import { rebuild, type DocumentDifference, type Projector, type Rebuild, type Rebuilt, type View, type ViewName } from '#read-models';

export type { ViewName };

/** One view, as operators see it. */
export interface ProjectionStatus {
  readonly name: ViewName;
  /** It was seen at the end of the log since the start, and nothing stands in its way. */
  readonly ready: boolean;
  readonly caughtUp: boolean;
  readonly position: Position | null;
  readonly lagMs: number;
  readonly degraded: string | null;
  readonly rebuilding: boolean;
  /** By this gateway, since its start. */
  readonly lastRebuild: LastRebuild | null;
  /** Why the one that was asked of this gateway last came to nothing: the live view is as it was. Null where it went well, or is under way. */
  readonly rebuildFailed: string | null;
}

/** How a rebuild went, and what it found: live documents that differed from what the log makes of them, until it flipped. */
export interface LastRebuild extends Rebuilt {
  /** The first hundred; every one is in the log of this process. */
  readonly differences: readonly DocumentDifference[];
}

const DIFFERENCES_KEPT = 100;

type Parts = Pick<Rebuild<never>, 'store' | 'models' | 'upcast' | 'pages' | 'logger' | 'signal'>;

/** The views that this gateway keeps: one projector each. */
export class Projections {
  readonly #projectors: ReadonlyMap<ViewName, Projector>;
  readonly #rebuilding = new Set<ViewName>();
  readonly #rebuilt = new Map<ViewName, LastRebuild>();
  readonly #failed = new Map<ViewName, string>();
  /** Seen at the end of the log: from then on it only ever lacks what is being written. */
  readonly #complete = new Set<ViewName>();

  constructor(
    projectors: readonly Projector[],
    private readonly views: Readonly<Record<ViewName, View>>,
    private readonly parts: Parts,
  ) {
    this.#projectors = new Map(projectors.map((projector) => [projector.name as ViewName, projector]));
  }

  start(): void {
    for (const projector of this.#projectors.values()) projector.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#projectors.values()].map((projector) => projector.stop()));
  }

  /** True as soon as the view knows everything up to `position`; false when that takes longer. */
  reached(view: ViewName, position: Position, deadlineMs: number): Promise<boolean> {
    return this.#of(view).waitFor(position, deadlineMs);
  }

  /** Whether the view knows everything up to `position` already. */
  knows(view: ViewName, position: Position): boolean {
    const { position: at } = this.#of(view);
    return at !== null && at >= position;
  }

  /** What any view knows, and so may have been shown already; null before the first event. */
  furthest(): Position | null {
    return [...this.#projectors.values()].reduce<Position | null>((furthest, { position }) => (position !== null && (furthest === null || position > furthest) ? position : furthest), null);
  }

  status(): readonly ProjectionStatus[] {
    return [...this.#projectors].map(([name, { caughtUp, position, lag, degraded }]) => {
      if (caughtUp) this.#complete.add(name);
      const ready = degraded === null && this.#complete.has(name);
      const rebuilds = { rebuilding: this.#rebuilding.has(name), lastRebuild: this.#rebuilt.get(name) ?? null, rebuildFailed: this.#failed.get(name) ?? null };
      return { name, ready, caughtUp, position, lagMs: lag, degraded: degraded?.message ?? null, ...rebuilds };
    });
  }

  /** Begins to build the view anew beside the live one, compares the two, and flips reads over at the end. Asked again meanwhile: nothing.
   *  @throws Rejection `projection.not_found` */
  rebuild(name: string): void {
    this.#of(name);
    const view = name as ViewName;
    if (this.#rebuilding.has(view)) return;
    this.#rebuilding.add(view);
    this.#failed.delete(view);
    const differences: DocumentDifference[] = [];
    const onDifference = (difference: DocumentDifference): void => {
      this.parts.logger.warn('a live document differed from the log', { view, document_id: difference.id, path: difference.path });
      if (differences.length < DIFFERENCES_KEPT) differences.push(difference);
    };
    void rebuild({ ...this.parts, view: this.views[view], onDifference })
      .then((rebuilt) => this.#rebuilt.set(view, { ...rebuilt, differences }))
      .catch((error: unknown) => {
        if (this.parts.signal?.aborted) return;
        this.#failed.set(view, error instanceof Error ? error.message : String(error));
        this.parts.logger.error('view rebuild failed', { view, error });
      })
      .finally(() => this.#rebuilding.delete(view));
  }

  #of(name: string): Projector {
    const projector = this.#projectors.get(name as ViewName);
    if (!projector) throw new Rejection('not_found', 'projection.not_found', 'there is no such view: GET /v1/projections lists them');
    return projector;
  }
}
