import { project, Rejection, streamOf, type EnvironmentId, type ProjectId } from '#domain';
import type { AggregateStore } from '#event-store';
import { unwritten, type Reserved } from './reserved.ts';
import { standingOr } from './standing-or.ts';

/** Where something is to be. */
interface Place {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
}

/** The environment as its project's stream says, which remembers no deleted one. @throws Rejection `environment.not_found` */
export async function standingEnvironment(aggregates: AggregateStore, { projectId, environmentId }: Place) {
  const { state } = await aggregates.load(project, streamOf('project', projectId));
  const environment = state.environments.get(environmentId);
  if (!environment || state.name === null) {
    throw new Rejection('not_found', 'environment.not_found', 'the project has no such environment: create it first', { pointer: '/environment_id' });
  }
  return { environment, projectName: state.name };
}

/** Before something is made there. What an earlier try has made is answered as it stands, whatever became of its environment since.
 *  @throws Rejection `environment.not_found` */
export async function refuseWithoutEnvironment(aggregates: AggregateStore, made: Reserved, place: Place): Promise<void> {
  const isMade = async () => ((await unwritten(aggregates, made)) === null ? true : null);
  await standingOr<unknown>(isMade, () => standingEnvironment(aggregates, place));
}
