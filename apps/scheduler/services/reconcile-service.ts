import { Transient } from '#contracts';
import {
  deployment as deploymentRules,
  type DeploymentCommand,
  dockerService,
  type DockerServiceCommand,
  type DockerServiceId,
  type NodeId,
  planRollout,
  Rejection,
  type RolloutPlan,
  streamOf,
} from '#domain';
import { Conflict } from '#event-store';
import { commandIdOf, replicaIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import { releaseName } from '../names/free-orphans.ts';
import type { SchedulerPorts } from '../ports.ts';
import { executeOrders } from './execute-orders.ts';
import { FreshReports } from './fresh-reports.ts';
import { observedOf, readService, type ServiceReading } from './read-service.ts';

/** A plan leads to writes, and those to the next plan; more than this in one go means that others write too. */
const ROUNDS = 20;

/** Moves a service from what stands to what is wanted: read, plan, write the plan fenced by the revision that it was made at,
 *  until there is nothing to plan; then carry out what stands ordered. */
export class ReconcileService {
  private readonly reports: FreshReports;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'bus' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
    /** Makes the services look again whose node has reported. */
    onReported: (nodeId: NodeId) => void,
  ) {
    this.reports = new FreshReports(ports, index, onReported);
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
      if (await this.write(reading, plan)) continue;
      const moved = await executeOrders(this.ports, reading, this.index.causeOf(dockerServiceId));
      if (!moved) return plan.wakeInMs === null ? undefined : { againInMs: plan.wakeInMs };
    }
    throw new Transient('scheduler.unsettled', `${dockerServiceId} moves faster than it is planned`);
  }

  private plan(reading: ServiceReading, mark: number): RolloutPlan {
    const { service, deployment, replicas } = reading;
    const owner = { type: 'docker_service', id: service.dockerServiceId } as const;
    return planRollout({
      service,
      deployment,
      observed: replicas.map(observedOf),
      observationsFresh: this.areFresh(reading, mark),
      now: this.ports.clock.now(),
      replicaIdOf: (slot, generation) => replicaIdOf(owner, slot, generation),
    });
  }

  /** Asked for only where a deadline has passed: then its nodes have to have reported since. */
  private areFresh({ deployment, replicas }: ServiceReading, mark: number): boolean {
    if (deployment?.status !== 'opened' || deployment.closed) return false;
    if (deployment.deadlineAt === null) return false;
    const deadline = Date.parse(deployment.deadlineAt);
    if (deadline > this.ports.clock.now()) return false;
    const nodeIds = new Set(replicas.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== null));
    return this.reports.fresh(nodeIds, deadline, mark);
  }

  /** Writes what the plan says, of which there is one kind at a time. A conflict means that it was made for another world.
   *  @returns whether to plan anew */
  private async write(reading: ServiceReading, plan: RolloutPlan): Promise<boolean> {
    try {
      return await this.carryOut(reading, plan);
    } catch (error) {
      if (error instanceof Conflict || error instanceof Rejection) {
        this.ports.logger.debug('plan discarded', { docker_service_id: reading.service.dockerServiceId, error });
        return true;
      }
      throw error;
    }
  }

  private async carryOut(reading: ServiceReading, plan: RolloutPlan): Promise<boolean> {
    const { service, serviceRevision, deploymentRevision } = reading;
    const { openDeployment, step, progress, failures, close, endDeployment, finishDeletion } = plan;
    const at = String(service.activeDeployment ? deploymentRevision : serviceRevision);
    if (openDeployment) await this.onDeployment(reading, { type: 'OpenDeployment', data: openDeployment }, 'open');
    else if (failures.length > 0) await this.recordFailures(reading, failures);
    else if (progress) await this.onDeployment(reading, { type: 'RecordDeploymentProgress', data: progress }, `progress ${at}`);
    else if (close) await this.onDeployment(reading, { type: 'CloseDeployment', data: { ...close, at: new Date(this.ports.clock.now()).toISOString() } }, 'close');
    else if (endDeployment) await this.onService(reading, { type: 'EndDeployment', data: endDeployment }, `end ${endDeployment.deploymentId}`);
    else if (finishDeletion) await this.onService(reading, { type: 'ConfirmDockerServiceDeleted', data: {} }, 'confirm deleted', serviceRevision);
    else if (step && service.activeDeployment) await this.onDeployment(reading, { type: 'TakeDeploymentStep', data: step }, `step ${at}`);
    else if (step) await this.onService(reading, { type: 'TakeServiceStep', data: step }, `step ${at}`, serviceRevision);
    else return false;
    return true;
  }

  /** Each fenced by the one before. */
  private async recordFailures(reading: ServiceReading, failures: RolloutPlan['failures']): Promise<void> {
    let deploymentRevision = reading.deploymentRevision;
    for (const data of failures) {
      deploymentRevision = await this.onDeployment({ ...reading, deploymentRevision }, { type: 'RecordReplicaFailure', data }, `failed ${data.replicaId}`);
    }
  }

  /** @param what names the command: the same at the same revision, so that of two schedulers one is heard */
  private async onDeployment({ service, deploymentRevision }: ServiceReading, command: DeploymentCommand, what: string): Promise<bigint> {
    const deploymentId = service.activeDeployment!.deploymentId;
    const metadata = this.metadata(service, commandIdOf(deploymentId, what));
    const handled = await this.ports.aggregates.handle(deploymentRules, streamOf('deployment', deploymentId), command, metadata, { expected: deploymentRevision });
    return handled.revision;
  }

  private async onService({ service }: ServiceReading, command: DockerServiceCommand, what: string, expected?: bigint): Promise<void> {
    const { dockerServiceId } = service;
    const metadata = this.metadata(service, commandIdOf(dockerServiceId, what));
    await this.ports.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), command, metadata, { expected });
  }

  private metadata({ dockerServiceId, projectId }: ServiceReading['service'], commandId: string) {
    return causedBy(this.index.causeOf(dockerServiceId), commandId, projectId, this.ports.clock.now());
  }

  /** The end of a deletion, also where an earlier one stopped half-way. */
  private async freeName({ service }: ServiceReading): Promise<void> {
    const { dockerServiceId, projectId, environmentId, name } = service;
    if (!this.index.claims.has(dockerServiceId)) return;
    await releaseName(this.ports, this.index, projectId, { scope: 'docker_service', environmentId, name, holder: dockerServiceId });
  }
}
