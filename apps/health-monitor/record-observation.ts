import {
  node as nodeRules,
  type NodeId,
  type Observation,
  observationWord,
  type PresentReplica,
  Rejection,
  replica as replicaRules,
  type Replica,
  settlementOf,
  streamOf,
} from '#domain';
import { eventIdOf } from '#event-store';
import { commandIdOf } from '#platform';
import { monitorMetadata, type MonitorPorts } from './ports.ts';

/** All the records of one request together have to be answered within the agent's 10 s. */
const DEADLINE_MS = 5_000;

/** `durable`: appended, already known, or refused for good. `later`: nothing is decided, it has to be said again. */
export type Recording = 'durable' | 'later';

/** Puts what a node says of a replica into the replica's stream. Saying it again changes nothing. */
export class ObservationRecorder {
  constructor(private readonly ports: Pick<MonitorPorts, 'aggregates' | 'clock' | 'logger'>) {}

  /** The replica as its stream has it. @throws Unavailable */
  async load(replicaId: Observation['replicaId']): Promise<Replica> {
    return (await this.ports.aggregates.load(replicaRules, streamOf('replica', replicaId))).state;
  }

  /** Never throws. */
  async record(nodeId: NodeId, observation: Observation): Promise<Recording> {
    const { logger } = this.ports;
    const fields = { node_id: nodeId, replica_id: observation.replicaId, run: observation.run, state: observation.state };
    try {
      return await this.tryRecord(nodeId, observation);
    } catch (error) {
      if (error instanceof Rejection) {
        logger.warn('observation refused for good', { ...fields, error });
        return 'durable';
      }
      logger.warn('observation not recorded yet', { ...fields, error });
      return 'later';
    }
  }

  private async tryRecord(nodeId: NodeId, observation: Observation): Promise<Recording> {
    const replica = await this.load(observation.replicaId);
    if (replica.status === 'absent') {
      // Recording a refusal would begin its stream, and nobody knows whose it is: an agent of another store's history.
      this.ports.logger.warn('observation of a replica that was never ordered', { node_id: nodeId, replica_id: observation.replicaId });
      return 'durable';
    }
    const claimedHere = replica.status === 'present' && replica.claim?.nodeId === nodeId;
    if (claimedHere && !(await this.copySettlement(replica, nodeId))) return 'later';
    await this.append(nodeId, observation, replica);
    return 'durable';
  }

  private async append(nodeId: NodeId, observation: Observation, replica: Replica): Promise<void> {
    const { replicaId } = observation;
    // Said of a replica before the node held it, by the log as it is now, it was refused: said again afterwards it is another word.
    const attempt = replica.status === 'present' ? (replica.placement ?? replica.claim)?.attempt : undefined;
    const commandId = commandIdOf('observe', nodeId, replicaId, String(attempt ?? 'not placed'), observationWord(observation));
    const tenantId = replica.status === 'present' ? replica.projectId : 'platform';
    await this.ports.aggregates.handle(
      replicaRules,
      streamOf('replica', replicaId),
      { type: 'RecordObservation', data: { nodeId, observation } },
      monitorMetadata(commandId, tenantId, this.ports.clock.now()),
      { deadlineMs: DEADLINE_MS },
    );
  }

  /** An agent may be faster than the scheduler: it runs what its node's stream says, though the replica's stream doesn't
   *  have the node's word yet. Whoever sees an open claim may copy it. @returns false where the node gave no word. */
  private async copySettlement({ replicaId, owner, slot, generation, claim, projectId }: PresentReplica, nodeId: NodeId): Promise<boolean> {
    const attempt = claim!.attempt;
    const stream = streamOf('node', nodeId);
    const { state } = await this.ports.aggregates.load(nodeRules, stream);
    const settlement = settlementOf(state, { replicaId, owner, slot, generation, attempt });
    if (!settlement) return false;
    const { outcome, reason } = settlement;
    const eventId = eventIdOf(commandIdOf('settle', replicaId, String(attempt)), stream, 0);
    await this.ports.aggregates.handle(
      replicaRules,
      streamOf('replica', replicaId),
      { type: 'CopySettlement', data: { attempt, nodeId, outcome, reason, eventId } },
      { ...monitorMetadata(commandIdOf('copy', replicaId, String(attempt)), projectId, this.ports.clock.now()), causationId: eventId },
      { deadlineMs: DEADLINE_MS },
    );
    return true;
  }
}
