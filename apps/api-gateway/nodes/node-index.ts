import type { Clock, Logger } from '#contracts';
import { node, parseStream, upcast, type Node, type NodeEvent, type NodeId } from '#domain';
import { followLog, type EventStore, type Position, type Recorded } from '#event-store';
import { NODE_STORY } from '#read-models';

/** Every node as its stream says, in memory: what an early refusal looks at. A scheduler decides for real, later, from streams. */
export class NodeIndex {
  readonly #nodes = new Map<NodeId, Node>();
  readonly #stories = new Map<NodeId, readonly Recorded[]>();
  #caughtUp = false;
  #position: Position | null = null;

  /** Follows the log until aborted. */
  follow(parts: { readonly store: EventStore; readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal }): Promise<void> {
    const { store, clock, logger, signal } = parts;
    return followLog({
      store,
      clock,
      signal,
      after: null,
      prefixes: ['node-'],
      onEvent: (recorded) => {
        const event = upcast(recorded);
        const nodeId = parseStream(event.stream).id as NodeId;
        this.#nodes.set(nodeId, node.evolve(this.#nodes.get(nodeId) ?? node.initial, event as unknown as NodeEvent));
        if (NODE_STORY.has(event.type)) this.#stories.set(nodeId, [...(this.#stories.get(nodeId) ?? []), event].slice(-STORY));
        this.#position = event.position;
      },
      onCaughtUp: () => void (this.#caughtUp = true),
      onDegraded: (error) => logger.warn('following nodes is disturbed', { error, position: this.#position }),
    });
  }

  /** It has read the log to its end once. */
  get ready(): boolean {
    return this.#caughtUp;
  }

  /** What a node came to, the latest of it, in the order of the log; without what it holds. */
  story(nodeId: NodeId): readonly Recorded[] {
    return this.#stories.get(nodeId) ?? [];
  }

  /** Nodes that were registered and not removed. */
  get present(): readonly Node[] {
    return [...this.#nodes.values()].filter(({ status }) => status === 'registered');
  }
}

/** So many events of a node are kept for its story. */
const STORY = 50;
