import {
  currentRelease, dockerService, isUnwritten, job, jobSpecOf, nameViolations, refuseJobLimits, Rejection, releaseSpecOf, specViolations, streamOf,
  type CommandMetadata, type ContainerSpec, type DockerServiceId, type EnvironmentId, type ExistingDockerService, type Job, type JobDefinition, type JobId, type ProjectId,
} from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToJob } from './aggregate-command.ts';
import { refuseGoneDependencies, withTargetsAnew } from './dependency-targets.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { provideNetworks, refuseDeletedNetworks, type NewNetwork } from './networks.ts';
import { releaseRoomOf, reserveForJob } from './reserve-room.ts';
import { refusal, voidReserved } from './reserved.ts';
import { provideVolumes, type Mounting, type NewVolume } from './volumes.ts';
import { standingEnvironment } from './standing-environment.ts';

/** A job that somebody asks for, complete: defaults are filled in. */
export interface NewJob extends Pick<JobDefinition, 'name' | 'spec' | 'timeoutMs' | 'retries' | 'inheritsFrom'> {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  /** Volumes that have yet to be made; left out: none. */
  readonly creates?: readonly NewVolume[];
  /** The same of networks. */
  readonly newNetworks?: readonly NewNetwork[];
}

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** The id that a job has under the command that creates it. */
export const jobIdOf = (commandId: string) => deriveId('job', commandId, 'job', 0);
/** The id that a job has which runs another one again, under the command that asks for it. */
export const rerunIdOf = (commandId: string, source: JobId) => deriveId('job', commandId, `run of ${source}`, 0);

/** What a job was created with, where that was done before: then its request is only to be answered. */
export async function createdJob(aggregates: AggregateStore, jobId: JobId): Promise<JobDefinition | null> {
  const { state } = await aggregates.load(job, streamOf('job', jobId));
  return isUnwritten(state) ? null : state.definition;
}

/** What a request to create a job did before, whatever has become since of its service or environment; null: it stands nowhere.
 *  @throws Rejection `idempotency.key_reused` where it was sent with another body. */
export async function jobCreatedBefore({ dispatcher, aggregates }: Parts, jobId: JobId, metadataFor: (projectId: ProjectId) => CommandMetadata): Promise<Handled<Job> | null> {
  const definition = await createdJob(aggregates, jobId);
  return definition && dispatcher.send(new ToJob(jobId, { type: 'CreateJob', data: definition }, metadataFor(definition.projectId)));
}

/** @throws Rejection `job.invalid`, `job.timeout_out_of_range`, `job.retries_out_of_range`, `environment.not_found`, `quota.exceeded`. */
export async function createJob({ dispatcher, aggregates }: Parts, { creates = [], newNetworks = [], ...asked }: NewJob, metadata: CommandMetadata): Promise<Handled<Job>> {
  refuseInvalidJob(asked);
  const { environment } = await standingEnvironment(aggregates, asked);
  const jobId = jobIdOf(metadata.commandId);
  const spec = jobSpecOf(asked.spec, {});
  const data = { ...asked, spec, jobId, networkId: environment.networkId, trigger: { type: 'manual' }, rerunOf: null } as const;
  return make({ dispatcher, aggregates }, data, { creates, mounts: spec.volumes ?? [], newNetworks }, metadata);
}

/** A new job that runs what another one ran, whatever became of that. What it uses is what that is now: with an address or a password of then it would be
 *  sent to the wrong place. @throws Rejection `environment.not_found`, `network.deleted`, `resource.deleted`, `docker_service.deleted`. */
export async function rerunJob({ dispatcher, aggregates }: Parts, source: JobDefinition, metadata: CommandMetadata): Promise<Handled<Job>> {
  await standingEnvironment(aggregates, source);
  const jobId = rerunIdOf(metadata.commandId, source.jobId);
  if (!(await createdJob(aggregates, jobId))) {
    await refuseDeletedNetworks(aggregates, source.spec);
    await refuseGoneDependencies(aggregates, source.name, source.spec);
  }
  const data = { ...source, spec: await withTargetsAnew(aggregates, source.spec), jobId, trigger: { type: 'manual' }, rerunOf: source.jobId } as const;
  return make({ dispatcher, aggregates }, data, { creates: [], mounts: source.spec.volumes ?? [], newNetworks: [] }, metadata);
}

/** Reserves its room, says what it mounts, then writes it. One that is refused after all gives its room back at once; where the process dies between
 *  the two, the scheduler does. @throws Rejection `quota.exceeded`, `reservation.voided` */
async function make(parts: Parts, definition: JobDefinition, { newNetworks, ...mounting }: Mounting & { readonly newNetworks: readonly NewNetwork[] }, metadata: CommandMetadata): Promise<Handled<Job>> {
  const { dispatcher, aggregates } = parts;
  const { jobId, projectId } = definition;
  refuseJobLimits(definition);
  const isMade = (await createdJob(aggregates, jobId)) !== null;
  const create = () => dispatcher.send(new ToJob(jobId, { type: 'CreateJob', data: definition }, metadata));
  if (!isMade) await reserveForJob(dispatcher, definition, metadata);
  try {
    await mount(parts, mounting, jobId, metadata);
    await provideNetworks(parts, newNetworks, metadata);
    return await create();
  } catch (error) {
    if (!(error instanceof Rejection) || (await createdJob(aggregates, jobId))) throw error;
    // Another try of it may be just about to write it.
    const isVoided = await voidReserved(aggregates, { kind: 'job', id: jobId }, { commandId: metadata.commandId, name: '', reason: refusal(error) }, followUp(metadata, commandIdOf('void', jobId)));
    if (!isVoided) return create();
    await releaseRoomOf(dispatcher, projectId, jobId, metadata);
    throw error;
  }
}

/** Silent for a job that was created before: its use may have ended with it. */
async function mount(parts: Parts, mounting: Mounting, jobId: JobId, metadata: CommandMetadata): Promise<void> {
  if (mounting.mounts.length === 0 || (await createdJob(parts.aggregates, jobId))) return;
  await provideVolumes(parts, mounting, { type: 'job', id: jobId }, metadata);
}

/** @param at where the job stands in the body. @throws Rejection `job.invalid` that carries every violation. */
export function refuseInvalidJob({ name, spec }: Pick<NewJob, 'name' | 'spec'>, at = ''): void {
  const violations = [...nameViolations(name), ...specViolations(spec)].map((violation) => ({ ...violation, pointer: `${at}${violation.pointer}` }));
  const [wrong] = violations;
  if (wrong) throw new Rejection('invalid', 'job.invalid', `${wrong.pointer}: ${wrong.message}`, { violations });
}

/** What a job of a service takes: the release that it is on or moves to.
 *  @param pointer where the service is named. @throws Rejection `docker_service.not_found`, `docker_service.deleted`, `job.no_release`. */
export async function inheritedRelease(
  aggregates: AggregateStore,
  id: DockerServiceId,
  pointer = '/docker_service_id',
): Promise<{ readonly service: ExistingDockerService; readonly release: number; readonly spec: ContainerSpec }> {
  const { state: service } = await aggregates.load(dockerService, streamOf('docker_service', id));
  if (service.status !== 'present') throw new Rejection('not_found', 'docker_service.not_found', 'there is no such service: GET /v1/docker-services lists those within reach', { pointer });
  if (service.lifecycle === 'DELETING' || service.lifecycle === 'DELETED') throw new Rejection('conflict', 'docker_service.deleted', 'the service is deleted: name another one', { pointer });
  const release = currentRelease(service);
  const spec = release === null ? null : releaseSpecOf(service, release);
  if (release === null || spec === null) throw new Rejection('conflict', 'job.no_release', 'no release of the service has ever worked: deploy one first, or give a container of its own', { pointer });
  return { service, release, spec };
}
