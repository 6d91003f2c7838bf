import { subjects, Transient, type Bus, type ReplicaSample, type SamplesReply, type SamplesRequest } from '#contracts';
import type { NodeId } from '#domain';

const ANSWER_MS = 3_000;

/** What nodes sampled last. */
export interface Sampled {
  readonly samples: readonly ReplicaSample[];
  /** Nodes that didn't answer, and why. */
  readonly silent: ReadonlyMap<NodeId, string>;
}

/** Asks the agents, all at once. @param ownerId of this service or job only; null: of everything */
export async function readSamples(bus: Bus, nodeIds: readonly NodeId[], ownerId: string | null): Promise<Sampled> {
  const silent = new Map<NodeId, string>();
  const answers = await Promise.all(
    nodeIds.map((nodeId) =>
      ofNode(bus, nodeId, ownerId).catch((error: unknown) => {
        if (!(error instanceof Transient)) throw error;
        silent.set(nodeId, error.message);
        return [];
      }),
    ),
  );
  return { samples: answers.flat(), silent };
}

async function ofNode(bus: Bus, nodeId: NodeId, ownerId: string | null): Promise<ReplicaSample[]> {
  const samples: ReplicaSample[] = [];
  let request: SamplesRequest | null = { ownerId, after: null };
  while (request) {
    const page: SamplesReply = await bus.request<SamplesReply>(subjects.samples(nodeId), request, ANSWER_MS);
    samples.push(...page.samples);
    request = page.next === null ? null : { ownerId, after: page.next };
  }
  return samples;
}
