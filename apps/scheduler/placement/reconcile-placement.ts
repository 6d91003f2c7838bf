import {
  type Candidate,
  job as jobRules,
  node as nodeRules,
  place,
  type PlacementDecision,
  type PresentReplica,
  type Reason,
  type Replica,
  replica as replicaRules,
  type ReplicaCommand,
  type ReplicaId,
  streamOf,
  whyUnwanted,
  type ImageFacts,
} from '#domain';
import { Conflict, type Loaded } from '#event-store';
import { ImageHolders } from '#messaging';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import { WhyHeld } from '../dependencies/why-held.ts';
import type { LogIndex } from '../log-index.ts';
import { lackingNetwork, type NetworkTroubles } from '../networks/lacking-network.ts';
import type { SchedulerPorts } from '../ports.ts';
import { type LookedVolumes, ReplicaVolumes } from '../volumes/replica-volumes.ts';
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
  private readonly volumes: ReplicaVolumes;
  private readonly held: WhyHeld;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'bus' | 'clock'>,
    private readonly index: LogIndex,
    private readonly troubles: NetworkTroubles,
  ) {
    this.nodes = new KnownNodes(index);
    this.images = new ImageHolders(ports, index);
    this.volumes = new ReplicaVolumes(ports, index);
    this.held = new WhyHeld(ports, index);
  }

  /** One look at a replica. Repeating it changes nothing; two schedulers at once give it one place. It begins with what is known of
   *  the replica, for whatever is written rests on its revision: where it has moved on, it is read. */
  async reconcile(replicaId: ReplicaId): Promise<void | { againInMs: number }> {
    const stream = streamOf('replica', replicaId);
    const { aggregates } = this.ports;
    let standing: Standing | null = aggregates.known(replicaRules, stream);
    try {
      for (let round = 1; round <= TRIES; round += 1) {
        const { state, revision }: Standing = standing ?? (await aggregates.load(replicaRules, stream));
        // None of these is ever taken back.
        if (state.status !== 'present' || state.placement || revision === null) return;
        const next = await this.tryOnce(state, revision);
        if (next === 'waits') return;
        standing = next === 'moved' ? null : next;
      }
      return { againInMs: NEXT_ROUND_MS };
    } finally {
      this.nodes.unclaim(replicaId);
    }
  }

  /** @returns what stands then, and is to be looked at again; or that it waits, or has moved on since it was read */
  private async tryOnce(replica: PresentReplica, revision: bigint): Promise<Standing | 'waits' | 'moved'> {
    const ended = await this.endOfJob(replica);
    if (replica.claim) return this.settle(replica, replica.claim, ended);
    try {
      return await this.decide(replica, revision, ended);
    } catch (error) {
      if (error instanceof Conflict) return 'moved';
      throw error;
    }
  }

  private async settle(replica: PresentReplica, { nodeId, attempt }: NonNullable<PresentReplica['claim']>, ended: Reason | null): Promise<Standing> {
    this.nodes.claim(nodeId, placementOf(replica, attempt));
    const settled = await settleClaim(this.ports, replica, this.index.causeOf(replica.replicaId), ended);
    this.nodes.read(nodeId, settled!.node);
    return { state: settled!.replica, revision: settled!.revision };
  }

  /** Claims a node, or says why none is claimed. */
  private async decide(replica: PresentReplica, revision: bigint, ended: Reason | null): Promise<Standing | 'waits' | 'moved'> {
    const { replicaId, owner, attempts } = replica;
    if (ended) {
      await this.write(replica, revision, { type: 'AbandonReplica', data: { replicaId, owner, reason: ended } }, commandIdOf('abandon', replicaId));
      return 'waits';
    }
    const held = await this.held.of(replica);
    if (held) return this.defer(replica, revision, { reason: held, nodes: [] });
    const troubledOn = this.index.failures.troubledOn(owner.id, replica.release, this.ports.clock.now());
    const local = this.index.localImages.of(owner.id, replica.release);
    const image: ImageFacts = local === null ? {} : { onlyOn: await this.images.of(local) };
    if (!(await this.knowsReplaced(replica))) return 'moved';
    const volumes = await this.volumes.look(replica);
    const { nodeId, nodes, reason } = this.choose({ ...replica, troubledOn, image }, volumes);
    const attempt = attempts + 1;
    const claim = commandIdOf('claim', replicaId, String(attempt));
    const inVain = nodeId ? null : this.volumes.boundInVain(replica, volumes);
    if (inVain) return this.write(replica, revision, { type: 'ClaimPlacement', data: { attempt, nodeId: inVain, reason: VOLUME_ELSEWHERE, nodes: [], inVain: true } }, claim);
    if (!nodeId) return this.defer(replica, revision, { reason, nodes });
    // From now on the others see it as taken.
    this.nodes.claim(nodeId, placementOf(replica, attempt));
    // Before the claim: what a node holds it can make.
    await this.volumes.bind(replica, nodeId, reason, volumes);
    return this.write(replica, revision, { type: 'ClaimPlacement', data: { attempt, nodeId, reason, nodes } }, claim);
  }

  /** One that takes another's place goes where that one is. What is known of that may be from before it was placed, or be what this scheduler was about to do
   *  with it when another was quicker: then this one would go anywhere, and run beside it.
   *  @returns false where nobody can tell yet: it has claimed a node that hasn't answered */
  private async knowsReplaced({ replaces }: PresentReplica): Promise<boolean> {
    if (replaces === null || (!this.nodes.isClaimed(replaces) && this.nodes.all().some(({ node }) => node.entries.has(replaces)))) return true;
    const { aggregates } = this.ports;
    const { state } = await aggregates.load(replicaRules, streamOf('replica', replaces));
    if (state.status === 'present' && state.claim) return false;
    this.nodes.unclaim(replaces);
    if (state.status !== 'present' || !state.placement) return true;
    const { nodeId } = state.placement;
    this.nodes.read(nodeId, (await aggregates.load(nodeRules, streamOf('node', nodeId))).state);
    return true;
  }

  private async defer(replica: PresentReplica, revision: bigint, data: Pick<PlacementDecision, 'reason' | 'nodes'>): Promise<'waits'> {
    await this.write(replica, revision, { type: 'DeferPlacement', data }, commandIdOf('defer', replica.replicaId, String(revision)));
    return 'waits';
  }

  private choose(candidate: Candidate & PresentReplica, volumes: LookedVolumes): PlacementDecision {
    const lacking = lackingNetwork(candidate, this.index, this.troubles);
    if (lacking) return { nodeId: null, nodes: [], reason: lacking };
    if (volumes.refusal) return { nodeId: null, nodes: [], reason: volumes.refusal };
    const decision = place({ ...candidate, volumeNeeds: volumes.needs }, this.nodes.all());
    if (decision.nodeId) return decision;
    const before = this.volumes.boundBefore(candidate, volumes);
    return before ? { ...decision, nodeId: before, reason: { code: 'bound_before', message: 'a volume was bound there for it: only that node can say no' } } : decision;
  }

  /** Why a job's replica isn't wanted any more. A service's are abandoned by its own plan. */
  private async endOfJob({ owner, replicaId }: PresentReplica): Promise<Reason | null> {
    if (owner.type !== 'job' || !this.index.endingJobs.has(owner.id)) return null;
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', owner.id));
    return whyUnwanted(state, replicaId);
  }

  /** @throws Conflict when the replica isn't at the revision that the decision was made at */
  private async write({ replicaId, projectId }: PresentReplica, revision: bigint, command: ReplicaCommand, commandId: string): Promise<Standing> {
    const metadata = causedBy(this.index.causeOf(replicaId), commandId, projectId, this.ports.clock.now());
    return this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), command, metadata, { expected: revision });
  }
}

const VOLUME_ELSEWHERE: Reason = { code: 'volume_elsewhere', message: 'a volume was bound there for it, and another one of its volumes is on another node' };

/** A replica as its stream says, perhaps of before. */
type Standing = Pick<Loaded<Replica>, 'state' | 'revision'>;
