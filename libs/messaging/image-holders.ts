import { subjects, Transient, type Bus, type Clock, type ImageReply, type ImageRequest } from '#contracts';
import type { ImageFacts, Node, NodeId } from '#domain';

const ANSWER_MS = 1_000;
/** So long an answer holds: an image that was brought to a node meanwhile is found at the next look. */
const HOLDS_MS = 10_000;

interface Known {
  readonly asked: number;
  readonly holders: Promise<ImageFacts['onlyOn']>;
}

/** Which nodes have an image that can't be pulled: only their engines know, so their agents are asked. */
export class ImageHolders {
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly ports: { readonly bus: Bus; readonly clock: Clock },
    private readonly index: { readonly nodes: ReadonlyMap<NodeId, Node> },
  ) {}

  /** The nodes that have it, and those that didn't answer: they may. Null, and no node is refused, where none is known to have it: the one
   *  that is chosen then says so, which ends what would otherwise wait for ever. */
  of(reference: string): Promise<ImageFacts['onlyOn']> {
    const now = this.ports.clock.monotonic();
    for (const [key, { asked }] of this.#known) if (now - asked >= HOLDS_MS) this.#known.delete(key);
    const known = this.#known.get(reference) ?? { asked: now, holders: this.#ask(reference) };
    this.#known.set(reference, known);
    return known.holders;
  }

  async #ask(reference: string): Promise<ImageFacts['onlyOn']> {
    const nodeIds = [...this.index.nodes].flatMap(([nodeId, { status, reachable }]) => (status === 'registered' && reachable ? [nodeId] : []));
    const answers = await Promise.all(nodeIds.map(async (nodeId) => ({ nodeId, present: await this.#askNode(nodeId, reference) })));
    if (!answers.some(({ present }) => present)) return null;
    return { reference, nodes: answers.filter(({ present }) => present !== false).map(({ nodeId }) => nodeId) };
  }

  /** Null: it doesn't say. */
  async #askNode(nodeId: NodeId, reference: string): Promise<boolean | null> {
    const request: ImageRequest = { reference };
    try {
      return (await this.ports.bus.request<ImageReply>(subjects.image(nodeId), request, ANSWER_MS)).present;
    } catch (error) {
      if (error instanceof Transient) return null;
      throw error;
    }
  }
}
