import { job, Rejection, specViolations, streamOf, type CommandMetadata, type ContainerSpec, type EnvironmentId, type Job, type ProjectId } from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { deriveId } from '#platform';
import { ToJob } from './aggregate-command.ts';
import { standingEnvironment } from './create-docker-service.ts';
import type { Dispatcher } from './dispatcher.ts';

/** A standalone job, complete: defaults are filled in. */
export interface NewJob {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly spec: ContainerSpec;
  readonly timeoutMs: number;
}

/** The id that a job has under the command that creates it. */
export const jobIdOf = (commandId: string) => deriveId('job', commandId, 'job', 0);

/** Whether this command has created its job before. */
export const isRepeatOfJob = async (aggregates: AggregateStore, commandId: string): Promise<boolean> =>
  (await aggregates.load(job, streamOf('job', jobIdOf(commandId)))).revision !== null;

/** @throws Rejection `job.invalid`, `job.timeout_out_of_range`, `environment.not_found`. */
export async function createJob(
  { dispatcher, aggregates }: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore },
  asked: NewJob,
  metadata: CommandMetadata,
): Promise<Handled<Job>> {
  const [wrong, ...more] = specViolations(asked.spec);
  if (wrong) throw new Rejection('invalid', 'job.invalid', `${wrong.pointer}: ${wrong.message}`, { violations: [wrong, ...more] });
  const { environment } = await standingEnvironment(aggregates, asked);
  const jobId = jobIdOf(metadata.commandId);
  const data = { ...asked, jobId, networkId: environment.networkId, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null } as const;
  return dispatcher.send(new ToJob(jobId, { type: 'CreateJob', data }, metadata));
}
