import {
  type DeploymentId,
  type ExistingDockerService,
  isGone,
  node as nodeRules,
  type Reason,
  replica as replicaRules,
  type ReplicaCommand,
  type ReplicaId,
  Rejection,
  streamOf,
} from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { type Cause, causedBy } from '../cause.ts';
import { settleClaim } from '../placement/settle-claim.ts';
import type { SchedulerPorts } from '../ports.ts';
import type { OrderedReplica, ServiceReading } from './read-service.ts';

/** Carries out what stands ordered, whoever ordered it: a replica without a stream is created, or abandoned where it isn't
 *  wanted any more; a stopped one is wanted gone on its node, or abandoned where no node has it. Repeating it changes nothing.
 *  @returns whether something moved meanwhile and has to be read anew */
export async function executeOrders(ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>, reading: ServiceReading, cause: Cause | null): Promise<boolean> {
  const execution = new Execution(ports, reading, cause);
  // All at once, so that they go to the disk together; none is left running when another fails.
  const outcomes = await Promise.allSettled(reading.replicas.map((ordered) => execution.execute(ordered)));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.some((outcome) => outcome.status === 'fulfilled' && !outcome.value);
}

class Execution {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
    private readonly reading: ServiceReading,
    private readonly cause: Cause | null,
  ) {}

  /** @returns false where the streams were no longer as they had been read */
  async execute(ordered: OrderedReplica): Promise<boolean> {
    try {
      await this.carryOut(ordered);
      return true;
    } catch (error) {
      if (error instanceof Conflict || error instanceof Rejection) return false;
      throw error;
    }
  }

  private carryOut(ordered: OrderedReplica): Promise<void> {
    const { order, replica } = ordered;
    if (replica.status === 'absent') return order.stopped ? this.abandon(ordered, order.stopped, null) : this.create(ordered);
    return order.stopped ? this.stop(ordered, order.stopped) : this.keep(ordered);
  }

  /** Wanted to run, or held while the service is paused. Fenced by the node's revision: whoever read the service before it was paused or
   *  resumed must not have the last word. */
  private async keep({ order: { replicaId }, nodeId, node, nodeRevision }: OrderedReplica): Promise<void> {
    const entry = node?.entries.get(replicaId);
    const to = this.service.paused === 'held' ? 'hold' : 'run';
    if (!nodeId || !entry || entry.wanted === to || entry.wanted === 'gone') return;
    const reason: Reason = to === 'hold' ? { code: 'docker_service_paused', message: 'the service was paused' } : { code: 'docker_service_resumed', message: 'the service runs again' };
    const metadata = this.metadata(commandIdOf(to, replicaId, String(nodeRevision)));
    const expected = nodeRevision ?? undefined;
    await this.ports.aggregates.handle(nodeRules, streamOf('node', nodeId), { type: 'ChangeWanted', data: { replicaId, to, reason } }, metadata, { expected });
  }

  private async create({ order }: OrderedReplica): Promise<void> {
    const { service } = this.reading;
    const { replicaId, slot, generation, release } = order;
    const spec = service.releases.get(release);
    if (!spec) throw new Error(`release ${release} of ${service.dockerServiceId} was ordered, but never cut`);
    const { resources, ports, constraints, volumes } = spec;
    const data = {
      ...this.refOf(replicaId),
      projectId: service.projectId,
      environmentId: service.environmentId,
      slot,
      generation,
      release,
      request: resources.request,
      ports,
      constraints,
      replaces: order.replaces ?? null,
      ...(volumes?.length ? { volumes } : {}),
      deploymentId: this.orderedBy(replicaId),
    };
    await this.onReplica(replicaId, { type: 'CreateReplica', data }, commandIdOf('create', replicaId), null);
  }

  private async stop(ordered: OrderedReplica, reason: Reason): Promise<void> {
    const { replica, nodeId, node, order } = ordered;
    if (replica.status !== 'present' || isGone(replica)) return;
    if (replica.claim) return this.revoke(ordered, reason);
    if (!nodeId) return this.abandon(ordered, reason);
    const entry = node?.entries.get(order.replicaId);
    if (entry && entry.wanted !== 'gone') await this.remove(order.replicaId, nodeId, reason);
  }

  /** Whichever came first on the node's stream: it goes back, or is taken down there. */
  private async revoke(ordered: OrderedReplica, reason: Reason): Promise<void> {
    const { replica, order } = ordered;
    if (replica.status !== 'present') return;
    const settled = (await settleClaim(this.ports, replica, this.cause, reason))?.replica ?? replica;
    if (settled.status !== 'present') return;
    if (settled.placement) await this.remove(order.replicaId, settled.placement.nodeId, reason);
    else await this.abandon(ordered, reason);
  }

  private async abandon({ order: { replicaId } }: OrderedReplica, reason: Reason, expected?: null): Promise<void> {
    await this.onReplica(replicaId, { type: 'AbandonReplica', data: { ...this.refOf(replicaId), reason } }, commandIdOf('abandon', replicaId), expected);
  }

  private async remove(replicaId: ReplicaId, nodeId: string, reason: Reason): Promise<void> {
    const metadata = this.metadata(commandIdOf('gone', replicaId));
    await this.ports.aggregates.handle(nodeRules, streamOf('node', nodeId), { type: 'ChangeWanted', data: { replicaId, to: 'gone', reason } }, metadata);
  }

  private async onReplica(replicaId: ReplicaId, command: ReplicaCommand, commandId: string, expected: null | undefined): Promise<void> {
    await this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), command, this.metadata(commandId), { expected });
  }

  private metadata(commandId: string) {
    return causedBy(this.cause, commandId, this.service.projectId, this.ports.clock.now());
  }

  private get service(): ExistingDockerService {
    return this.reading.service;
  }

  private orderedBy(replicaId: ReplicaId): DeploymentId | null {
    const { deployment } = this.reading;
    return deployment?.status === 'opened' && deployment.orders.replicas.has(replicaId) ? deployment.deploymentId : null;
  }

  private refOf(replicaId: ReplicaId) {
    return { replicaId, owner: { type: 'docker_service', id: this.service.dockerServiceId } } as const;
  }
}
