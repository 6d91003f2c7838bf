import { inheritedRelease, type NewJob } from '#application';
import type { TenantContext } from '#contracts';
import { DEFAULT_TARGETS, jobSpecOf, NO_RESTART, type ContainerSpec, type DockerServiceId, type EnvironmentId, type JobTemplate, type ProjectId } from '#domain';
import { nameFromImage, size } from '../compute/container-spec.ts';
import { refuseUnknownValues } from '../compute/resolve-values.ts';
import { hookOf } from '../docker-services/hook.dto.ts';
import { reachDockerService } from '../docker-services/reach.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { projectOf } from '../environments/reach.ts';
import type { Gateway } from '../gateway.ts';
import { AskedVolumes } from '../volumes/asked-volumes.ts';
import type { JobDto } from './job.dto.ts';

/** Where a job that is asked for belongs, and what it runs. */
export interface AskedJob {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly template: JobTemplate;
  /** What it wants mounted. */
  readonly volumes: AskedVolumes;
}

/** How a job is asked for. */
export interface Asking {
  /** Where the job stands in the body. */
  readonly at: string;
  readonly commandId: string;
  /** Whether volumes that aren't there are to be made. */
  readonly mayMake: boolean;
}

/** What a body asks to be run, with its defaults.
 *  @throws InvalidRequest where fields lack, contradict each other or aren't known; Rejection `environment.not_found`, `docker_service.not_found`. */
export async function askedJob(gateway: Gateway, tenant: TenantContext, body: JobDto, { at, commandId, mayMake }: Asking): Promise<AskedJob> {
  const { aggregates, nodes } = gateway.parts;
  const volumesIn = (where: Pick<AskedJob, 'projectId' | 'environmentId'>) => new AskedVolumes({ aggregates, nodes: nodes.present, ...where, commandId, madeFor: null });
  if (body.docker_service_id != null) {
    const { dockerServiceId, projectId, environmentId, name } = await reachDockerService(aggregates, tenant, body.docker_service_id);
    refuseElsewhere(body, { projectId, environmentId }, at);
    const volumes = volumesIn({ projectId, environmentId });
    const { overrides, timeoutMs, retries } = (await hookOf(aggregates, body, at, { volumes, mayMake }))!;
    await refuseUnknownValues(aggregates, { projectId, environmentId }, overrides, at);
    return { projectId, environmentId, volumes, template: { name: body.name ?? name, timeoutMs, retries, runs: { type: 'docker_service', dockerServiceId, overrides } } };
  }
  const needed = (['environment_id', 'image'] as const).filter((field) => body[field] == null);
  if (needed.length > 0) throw new InvalidRequest(needed.map((field) => ({ pointer: `${at}/${field}`, code: 'required', detail: 'is needed without docker_service_id' })));
  const environmentId = body.environment_id as EnvironmentId;
  const projectId = await projectOf(gateway, tenant, { project_id: body.project_id, environment_id: environmentId }, at);
  const volumes = volumesIn({ projectId, environmentId });
  const { overrides, timeoutMs, retries } = (await hookOf(aggregates, body, at, { volumes, mayMake }))!;
  await refuseUnknownValues(aggregates, { projectId, environmentId }, overrides, at);
  const spec = jobSpecOf({ ...BLANK, image: overrides.image!, ...(await size(aggregates, body, at)) }, overrides);
  return { projectId, environmentId, volumes, template: { name: body.name ?? nameFromImage(spec.image), timeoutMs, retries, runs: { type: 'container', spec } } };
}

/** The same, as it is run now. @throws Rejection `job.no_release`, `docker_service.deleted`. */
export async function askedNow(gateway: Gateway, { projectId, environmentId, volumes, template: { runs, ...common } }: AskedJob): Promise<NewJob> {
  const { creates } = volumes.mounting([]);
  if (runs.type === 'container') return { ...common, projectId, environmentId, spec: runs.spec, inheritsFrom: null, creates };
  const dockerServiceId: DockerServiceId = runs.dockerServiceId;
  const { release, spec } = await inheritedRelease(gateway.parts.aggregates, dockerServiceId);
  return { ...common, projectId, environmentId, spec: jobSpecOf(spec, runs.overrides), inheritsFrom: { dockerServiceId, release }, creates };
}

/** A container of which only the image and the size are known. */
const BLANK: Omit<ContainerSpec, 'image' | 'plan' | 'resources'> = {
  pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], labels: {}, constraints: [], restartPolicy: NO_RESTART, healthcheck: null, ...DEFAULT_TARGETS,
};

function refuseElsewhere(body: JobDto, service: { readonly projectId: string; readonly environmentId: string }, at: string): void {
  const given = [['project_id', service.projectId], ['environment_id', service.environmentId]] as const;
  const wrong = given.filter(([field, is]) => body[field] != null && body[field] !== is);
  if (wrong.length === 0) return;
  throw new InvalidRequest(wrong.map(([field]) => ({ pointer: `${at}/${field}`, code: 'exclusive', detail: `the service belongs to another one: leave ${field} out` })));
}
