import { subjects, type AgentStand, type Bus, type Clock, type Heartbeat } from '#contracts';
import type { NodeId } from '#domain';

/** A node is silent for a reader after this: two heartbeats were missed. */
const SILENT_AFTER_MS = 10_000;

/** What this gateway hears of nodes by itself: heartbeats are neither events nor in any view. After a start every node counts
 *  as silent until it was heard. */
export class HeardNodes {
  readonly #heard = new Map<NodeId, { readonly vouched: number; readonly heard: number; readonly at: string; readonly stand: AgentStand }>();

  constructor(private readonly clock: Clock) {}

  /** Begins to listen. @returns a function that ends it. */
  listen(bus: Bus): () => void {
    return bus.subscribe<Heartbeat>(subjects.heartbeat('*'), ({ stand, engineTrouble }) => {
      // An agent that doesn't see its containers can't vouch for them.
      const vouched = engineTrouble === undefined ? this.clock.monotonic() : (this.#heard.get(stand.nodeId)?.vouched ?? -Infinity);
      this.#heard.set(stand.nodeId, { vouched, heard: this.clock.monotonic(), at: new Date(this.clock.now()).toISOString(), stand });
    });
  }

  /** Nothing heard for 10 s, or never, or only that its engine doesn't answer. */
  readonly silent = (nodeId: NodeId): boolean => {
    const last = this.#heard.get(nodeId);
    return !last || this.clock.monotonic() - last.vouched > SILENT_AFTER_MS;
  };

  /** RFC 3339; null when nothing was heard since this process started. */
  readonly lastHeardAt = (nodeId: NodeId): string | null => this.#heard.get(nodeId)?.at ?? null;

  /** Milliseconds since its last heartbeat; null when none was heard since this process started. */
  ageMs(nodeId: NodeId): number | null {
    const last = this.#heard.get(nodeId);
    return last ? this.clock.monotonic() - last.heard : null;
  }

  /** Why its agent refuses the assignments of this store, by its latest heartbeat; null where it takes them. */
  refusing(nodeId: NodeId): AgentStand['refusing'] {
    return this.#heard.get(nodeId)?.stand.refusing ?? null;
  }
}
