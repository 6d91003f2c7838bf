import {
  job as jobRules,
  node as nodeRules,
  place,
  type PlacementDecision,
  type PresentReplica,
  type Reason,
  replica as replicaRules,
  type ReplicaCommand,
  type ReplicaId,
  streamOf,
  whyUnwanted,
  type ImageFacts,
} from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import { ImageHolders } from './image-holders.ts';
import { KnownNodes } from './known-nodes.ts';
import { placementOf, settleClaim } from './settle-claim.ts';

/** How many nodes may refuse a replica in one go before others get their turn. */
const TRIES = 5;
const NEXT_ROUND_MS = 1_000;

/** Finds a node for a replica: claims one on the replica's stream, has it settled on the node's, copies the outcome; says why
 *  none fits. Woken by whatever changes on a node, so that one that waits is tried again. */
export class ReconcilePlacement {
  private readonly nodes: KnownNodes;
  private readonly images: ImageHolders;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'bus' | 'clock'>,
    private readonly index: LogIndex,
  ) {
    this.nodes = new KnownNodes(index);
    this.images = new ImageHolders(ports, index);
  }

  /** One look at a replica. Repeating it changes nothing; two schedulers at once give it one place. */
  async reconcile(replicaId: ReplicaId): Promise<void | { againInMs: number }> {
    try {
      for (let round = 1; round <= TRIES; round += 1) {
        const { state, revision } = await this.ports.aggregates.load(replicaRules, streamOf('replica', replicaId));
        if (state.status !== 'present' || state.placement || revision === null) return;
        if (!(await this.tryOnce(state, revision))) return;
      }
      return { againInMs: NEXT_ROUND_MS };
    } finally {
      this.nodes.unclaim(replicaId);
    }
  }

  /** @returns whether there may be more to do */
  private async tryOnce(replica: PresentReplica, revision: bigint): Promise<boolean> {
    const ended = await this.endOfJob(replica);
    if (replica.claim) return this.settle(replica, replica.claim, ended);
    try {
      return await this.decide(replica, revision, ended);
    } catch (error) {
      // It has moved on since it was read.
      if (error instanceof Conflict) return true;
      throw error;
    }
  }

  /** @returns whether another node has to be found */
  private async settle(replica: PresentReplica, { nodeId, attempt }: NonNullable<PresentReplica['claim']>, ended: Reason | null): Promise<boolean> {
    this.nodes.claim(nodeId, placementOf(replica, attempt));
    const settled = await settleClaim(this.ports, replica, this.index.causeOf(replica.replicaId), ended);
    this.nodes.read(nodeId, (await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId))).state);
    return settled.status === 'present' && !settled.placement;
  }

  /** Claims a node, or says why none is claimed. @returns whether there is more to do */
  private async decide(replica: PresentReplica, revision: bigint, ended: Reason | null): Promise<boolean> {
    const { replicaId, owner, attempts } = replica;
    if (ended) {
      await this.write(replica, revision, { type: 'AbandonReplica', data: { replicaId, owner, reason: ended } }, commandIdOf('abandon', replicaId));
      return false;
    }
    const troubledOn = this.index.failures.troubledOn(owner.id, replica.release, this.ports.clock.now());
    const local = this.index.localImages.of(owner.id, replica.release);
    const image: ImageFacts = local === null ? {} : { onlyOn: await this.images.of(local) };
    const { nodeId, nodes, reason } = this.hasNetwork(replica) ? place({ ...replica, troubledOn, image }, this.nodes.all()) : NO_NETWORK;
    if (!nodeId) {
      await this.write(replica, revision, { type: 'DeferPlacement', data: { reason, nodes } }, commandIdOf('defer', replicaId, String(revision)));
      return false;
    }
    const attempt = attempts + 1;
    // From now on the others see it as taken.
    this.nodes.claim(nodeId, placementOf(replica, attempt));
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

  /** @throws Conflict when the replica isn't at the revision that the decision was made at */
  private async write({ replicaId, projectId }: PresentReplica, revision: bigint, command: ReplicaCommand, commandId: string): Promise<void> {
    const metadata = causedBy(this.index.causeOf(replicaId), commandId, projectId, this.ports.clock.now());
    await this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), command, metadata, { expected: revision });
  }
}

const NO_NETWORK: PlacementDecision = { nodeId: null, nodes: [], reason: { code: 'network_pending', message: 'its environment has no network yet' } };
