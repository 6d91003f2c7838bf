import { withFoundTargets } from '#application';
import {
  deployment as deploymentRules,
  type DeploymentCommand,
  dockerService,
  type DockerServiceCommand,
  job as jobRules,
  type JobCommand,
  type JobId,
  Rejection,
  type RolloutPlan,
  streamOf,
} from '#domain';
import type { ServiceReading } from '#application';
import { Conflict } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** Writes what a plan says, of which there is one kind at a time, fenced by the revision that the plan was read at. */
export class WritePlan {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** A conflict means that the plan was made for another world. @returns whether to plan anew */
  async write(reading: ServiceReading, plan: RolloutPlan): Promise<boolean> {
    try {
      return (await this.onDeployments(reading, plan)) || (await this.onHook(reading, plan)) || (await this.onServices(reading, plan));
    } catch (error) {
      if (error instanceof Conflict || error instanceof Rejection) {
        this.ports.logger.debug('plan discarded', { docker_service_id: reading.service.dockerServiceId, error });
        return true;
      }
      throw error;
    }
  }

  private async onDeployments(reading: ServiceReading, plan: RolloutPlan): Promise<boolean> {
    const { openDeployment, beginStage, endStage, step, progress, failures, close } = plan;
    const at = String(reading.deploymentRevision);
    if (openDeployment) await this.onDeployment(reading, { type: 'OpenDeployment', data: openDeployment }, 'open');
    else if (beginStage) await this.onDeployment(reading, { type: 'BeginDeploymentStage', data: beginStage }, `begin ${beginStage.stage} ${at}`);
    else if (endStage) await this.onDeployment(reading, { type: 'EndDeploymentStage', data: endStage }, `end ${endStage.stage} ${at}`);
    else if (failures.length > 0) await this.recordFailures(reading, failures);
    else if (progress) await this.onDeployment(reading, { type: 'RecordDeploymentProgress', data: progress }, `progress ${at}`);
    else if (close) await this.onDeployment(reading, { type: 'CloseDeployment', data: { ...close, at: this.now() } }, `close ${at}`);
    else if (step && reading.deploymentId) await this.onDeployment(reading, { type: 'TakeDeploymentStep', data: step }, `step ${at}`);
    else return false;
    return true;
  }

  private async onServices(reading: ServiceReading, { pin, endDeployment, finishDeletion, step }: RolloutPlan): Promise<boolean> {
    const { serviceRevision } = reading;
    if (pin) await this.onService(reading, { type: 'PinReleaseImage', data: pin }, `pin ${pin.release}`);
    else if (endDeployment) await this.onService(reading, { type: 'EndDeployment', data: endDeployment }, `end ${endDeployment.deploymentId}`);
    else if (finishDeletion) await this.onService(reading, { type: 'ConfirmDockerServiceDeleted', data: {} }, 'confirm deleted', serviceRevision);
    else if (step) await this.onService(reading, { type: 'TakeServiceStep', data: step }, `step ${serviceRevision}`, serviceRevision);
    else return false;
    return true;
  }

  /** That a hook is to run stands in the deployment's stream: whoever comes first creates its job. One that is taken back is created too,
   *  where nobody did: nobody can then do so later. */
  private async onHook(reading: ServiceReading, { startHook, cancelHook }: RolloutPlan): Promise<boolean> {
    const definition = startHook ?? cancelHook?.definition;
    if (!definition) return false;
    const { jobId } = definition;
    if (!reading.hook || reading.hook.status === 'absent') await this.onJob(reading, jobId, { type: 'CreateJob', data: { ...definition, spec: await withFoundTargets(this.ports.aggregates, definition.spec) } }, 'create');
    if (cancelHook) await this.onJob(reading, jobId, { type: 'CancelJob', data: { reason: cancelHook.reason, requestedAt: this.now() } }, 'cancel');
    return true;
  }

  /** Each fenced by the one before. */
  private async recordFailures(reading: ServiceReading, failures: RolloutPlan['failures']): Promise<void> {
    let deploymentRevision = reading.deploymentRevision;
    for (const data of failures) {
      deploymentRevision = await this.onDeployment({ ...reading, deploymentRevision }, { type: 'RecordReplicaFailure', data }, `failed ${data.replicaId}`);
    }
  }

  /** @param what names the command: the same at the same revision, so that of two schedulers one is heard. At another revision it is another
   *  one: a log that was put back to the middle of an append knows the name, and not all that it stands for. */
  private async onDeployment(reading: ServiceReading, command: DeploymentCommand, what: string): Promise<bigint> {
    const { deploymentId, deploymentRevision: expected } = reading;
    if (!deploymentId) throw new Error(`${command.type} was planned, but no deployment is under way`);
    const metadata = this.metadata(reading, commandIdOf(deploymentId, what));
    return (await this.ports.aggregates.handle(deploymentRules, streamOf('deployment', deploymentId), command, metadata, { expected })).revision;
  }

  private async onService(reading: ServiceReading, command: DockerServiceCommand, what: string, expected?: bigint): Promise<void> {
    const { dockerServiceId } = reading.service;
    const metadata = this.metadata(reading, commandIdOf(dockerServiceId, what));
    await this.ports.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), command, metadata, { expected });
  }

  private async onJob(reading: ServiceReading, jobId: JobId, command: JobCommand, what: string): Promise<void> {
    await this.ports.aggregates.handle(jobRules, streamOf('job', jobId), command, this.metadata(reading, commandIdOf(what, jobId)));
  }

  private metadata({ service: { dockerServiceId, projectId } }: ServiceReading, commandId: string) {
    return causedBy(this.index.causeOf(dockerServiceId), commandId, projectId, this.ports.clock.now());
  }

  private now(): string {
    return new Date(this.ports.clock.now()).toISOString();
  }
}
