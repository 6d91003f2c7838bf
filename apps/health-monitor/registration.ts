import type { RegisterReply, RegisterRequest } from '#contracts';
import { node as nodeRules, PLATFORM, Rejection, streamOf, type NodeId } from '#domain';
import { commandIdOf, digest } from '#platform';
import { monitorMetadata, type MonitorPorts } from './ports.ts';

/** Shorter than the agent waits, so that it hears what came of it. */
const DEADLINE_MS = 4_000;

/** It becomes a stream's name. */
const NODE_ID = /^node_[A-Za-z0-9_]{1,64}$/;

/** Lets an agent introduce its host, and tell later what has changed of it. */
export class Registration {
  constructor(private readonly ports: Pick<MonitorPorts, 'aggregates' | 'clock' | 'logger'>) {}

  /** Repeating it is silent. Never throws: whatever hinders it is the reply's `refused`, and the agent tries again.
   *  @param nodeId whom the subject says it comes from */
  async register(nodeId: NodeId, request: RegisterRequest): Promise<RegisterReply> {
    if (request?.nodeId !== nodeId) return refusedBecause(`a registration of ${request?.nodeId} came on the subject of ${nodeId}`);
    if (!NODE_ID.test(nodeId)) return refusedBecause(`${nodeId} is no id of a node`);
    try {
      await this.record(request);
      return { registered: true, refused: null };
    } catch (error) {
      const refused = error instanceof Rejection ? error.message : 'it could not be recorded; try again';
      this.ports.logger.warn('registration refused', { node_id: nodeId, error });
      return refusedBecause(refused);
    }
  }

  private async record({ nodeId, facts, publicKey }: RegisterRequest): Promise<void> {
    const { aggregates, clock, logger } = this.ports;
    const stream = streamOf('node', nodeId);
    const { revision } = await aggregates.load(nodeRules, stream);
    // The same words at another point of the node's history are another intent: facts may change there and back.
    const commandId = commandIdOf('register', nodeId, digest([publicKey, JSON.stringify(facts)]), String(revision));
    const { events } = await aggregates.handle(
      nodeRules,
      stream,
      { type: 'RegisterNode', data: { nodeId, facts, publicKey } },
      monitorMetadata(commandId, PLATFORM, clock.now()),
      { deadlineMs: DEADLINE_MS },
    );
    for (const { type } of events) logger.info('node registered', { node_id: nodeId, event: type });
  }
}

const refusedBecause = (refused: string): RegisterReply => ({ registered: false, refused });
