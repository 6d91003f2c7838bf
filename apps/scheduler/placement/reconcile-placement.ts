import {
  job as jobRules,
  type Node,
  node as nodeRules,
  type NodeForPlacement,
  place,
  type PlacementDecision,
  type PresentReplica,
  type Reason,
  replica as replicaRules,
  type ReplicaCommand,
  type ReplicaId,
  streamOf,
  whyUnwanted,
} from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import { settleClaim } from './settle-claim.ts';

/** How many nodes may refuse a replica in one go before others get their turn. */
const TRIES = 5;
const NEXT_ROUND_MS = 1_000;

/** Finds a node for a replica: claims one on the replica's stream, has it settled on the node's, copies the outcome; says why
 *  none fits. Woken by whatever changes on a node, so that one that waits is tried again. */
export class ReconcilePlacement {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at a replica. Repeating it changes nothing; two schedulers at once give it one place. */
  async reconcile(replicaId: ReplicaId): Promise<void | { againInMs: number }> {
    for (let round = 1; round <= TRIES; round += 1) {
      const { state, revision } = await this.ports.aggregates.load(replicaRules, streamOf('replica', replicaId));
      if (state.status !== 'present' || state.placement || revision === null) return;
      if (!(await this.tryOnce(state, revision))) return;
    }
    return { againInMs: NEXT_ROUND_MS };
  }

  /** @returns whether there may be more to do */
  private async tryOnce(replica: PresentReplica, revision: bigint): Promise<boolean> {
    const ended = await this.endOfJob(replica);
    if (replica.claim) {
      const settled = await settleClaim(this.ports, replica, this.index.causeOf(replica.replicaId), ended);
      return settled.status === 'present' && !settled.placement;
    }
    try {
      return await this.decide(replica, revision, ended);
    } catch (error) {
      // It has moved on since it was read.
      if (error instanceof Conflict) return true;
      throw error;
    }
  }

  /** Claims a node, or says why none is claimed. @returns whether there is more to do */
  private async decide(replica: PresentReplica, revision: bigint, ended: Reason | null): Promise<boolean> {
    const { replicaId, owner, attempts } = replica;
    if (ended) {
      await this.write(replica, revision, { type: 'AbandonReplica', data: { replicaId, owner, reason: ended } }, commandIdOf('abandon', replicaId));
      return false;
    }
    const troubledOn = this.index.failures.troubledOn(owner.id, replica.release, this.ports.clock.now());
    const { nodeId, nodes, reason } = this.hasNetwork(replica) ? place({ ...replica, troubledOn }, await this.readNodes()) : NO_NETWORK;
    if (!nodeId) {
      await this.write(replica, revision, { type: 'DeferPlacement', data: { reason, nodes } }, commandIdOf('defer', replicaId, String(revision)));
      return false;
    }
    const attempt = attempts + 1;
    await this.write(replica, revision, { type: 'ClaimPlacement', data: { attempt, nodeId, reason, nodes } }, commandIdOf('claim', replicaId, String(attempt)));
    return true;
  }

  /** Why a job's replica isn't wanted any more. A service's are abandoned by its own plan. */
  private async endOfJob({ owner, replicaId }: PresentReplica): Promise<Reason | null> {
    if (owner.type !== 'job' || !this.index.endingJobs.has(owner.id)) return null;
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', owner.id));
    return whyUnwanted(state, replicaId);
  }

  /** Without one its node couldn't be told what to make, and so not be told of anything. */
  private hasNetwork({ environmentId }: PresentReplica): boolean {
    return this.index.networks.get(environmentId)?.deleted === false;
  }

  /** As the nodes' streams say now: what this scheduler placed a moment ago counts. */
  private async readNodes(): Promise<NodeForPlacement[]> {
    const nodes: NodeForPlacement[] = [];
    for (const nodeId of this.index.nodes.keys()) {
      const { state: node }: { state: Node } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
      nodes.push({ nodeId, node });
    }
    return nodes;
  }

  /** @throws Conflict when the replica isn't at the revision that the decision was made at */
  private async write({ replicaId, projectId }: PresentReplica, revision: bigint, command: ReplicaCommand, commandId: string): Promise<void> {
    const metadata = causedBy(this.index.causeOf(replicaId), commandId, projectId, this.ports.clock.now());
    await this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), command, metadata, { expected: revision });
  }
}

const NO_NETWORK: PlacementDecision = { nodeId: null, nodes: [], reason: { code: 'network_pending', message: 'its environment has no network yet' } };
