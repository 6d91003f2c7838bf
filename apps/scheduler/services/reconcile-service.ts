import { observedOf, readService, type OrderedReplica, type ServiceReading } from '#application';
import { Transient } from '#contracts';
import { type DockerServiceId, type NodeId, type ObservedReplica, passedDeadline, planRollout, type RolloutInput, type RolloutPlan } from '#domain';
import { hookJobIdOf, replicaIdOf } from '#platform';
import type { LogIndex } from '../log-index.ts';
import { releaseName } from '../names/free-orphans.ts';
import type { SchedulerPorts } from '../ports.ts';
import { SettleService } from '../quotas/settle-service.ts';
import { executeOrders } from './execute-orders.ts';
import { FreshReports } from './fresh-reports.ts';
import { WritePlan } from './write-plan.ts';

/** A plan leads to writes, and those to the next plan; more than this in one go means that others write too. */
const ROUNDS = 20;

/** Moves a service from what stands to what is wanted: read, plan, write the plan fenced by the revision that it was made at,
 *  until there is nothing to plan; then carry out what stands ordered. */
export class ReconcileService {
  private readonly reports: FreshReports;
  private readonly plans: WritePlan;
  private readonly rooms: SettleService;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'bus' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
    /** Makes the services look again whose node has reported. */
    onReported: (nodeId: NodeId) => void,
  ) {
    this.reports = new FreshReports(ports, index, onReported);
    this.plans = new WritePlan(ports, index);
    this.rooms = new SettleService(ports, index);
  }

  /** One look at a service. Repeating it changes nothing; two schedulers at once order every replica once.
   *  @throws Transient when the streams move on each time */
  async reconcile(dockerServiceId: DockerServiceId): Promise<void | { againInMs: number }> {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const mark = this.reports.mark();
      const reading = await readService(this.ports.aggregates, dockerServiceId);
      if (!reading) return;
      if (reading.service.lifecycle === 'DELETED') return this.freeName(reading);
      const plan = this.plan(reading, mark);
      if (await this.plans.write(reading, plan)) continue;
      const moved = await executeOrders(this.ports, reading, this.index.causeOf(dockerServiceId));
      if (!moved) return soonest(plan.wakeInMs, await this.rooms.settle(reading));
    }
    throw new Transient('scheduler.unsettled', `${dockerServiceId} moves faster than it is planned`);
  }

  private plan(reading: ServiceReading, mark: number): RolloutPlan {
    const { service, deployment, hook, replicas } = reading;
    const owner = { type: 'docker_service', id: service.dockerServiceId } as const;
    const now = this.ports.clock.now();
    const input: RolloutInput = {
      service,
      deployment,
      observed: replicas.map((each) => this.observed(each)),
      hook,
      reportedAfter: null,
      now,
      replicaIdOf: (slot, generation) => replicaIdOf(owner, slot, generation, now),
      hookJobIdOf,
    };
    const deadline = passedDeadline(input);
    return planRollout({ ...input, reportedAfter: this.areFresh(reading, deadline, mark) ? deadline : null });
  }

  private observed(each: OrderedReplica): ObservedReplica {
    const seen = observedOf(each);
    return { ...seen, lastProbe: this.reports.lastProbe(seen.nodeId, seen.order.replicaId, seen.run) };
  }

  /** Asked for only where a deadline has passed: then its nodes have to have reported since. */
  private areFresh({ replicas }: ServiceReading, deadline: number | null, mark: number): boolean {
    if (deadline === null) return false;
    const nodeIds = new Set(replicas.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== null));
    return this.reports.fresh(nodeIds, deadline, mark);
  }

  /** The end of a deletion, also where an earlier one stopped half-way. */
  private async freeName(reading: ServiceReading): Promise<void> {
    const { dockerServiceId, projectId, environmentId, name } = reading.service;
    if (this.index.claims.has(dockerServiceId)) await releaseName(this.ports, this.index, projectId, { scope: 'docker_service', environmentId, name, holder: dockerServiceId });
    // The room went with the name; a request that came too late may have reserved some again.
    await this.rooms.settle(reading);
  }
}

const soonest = (...waits: readonly (number | null)[]): { againInMs: number } | undefined => {
  const known = waits.filter((wait) => wait !== null);
  return known.length ? { againInMs: Math.min(...known) } : undefined;
};
