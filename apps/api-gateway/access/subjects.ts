import { Rejection, streamOf, type StreamCategory } from '#domain';
import { type ViewName, projectOf } from '#read-models';
import type { Gateway } from '../gateway.ts';

/** Where a thing that a request names belongs. */
export interface Subject {
  readonly projectId: string;
  readonly environmentId: string | null;
  readonly dockerServiceId: string | null;
}

/** How the things of a kind are found, and what is answered where there is none within reach. */
interface Kind {
  readonly find: (gateway: Gateway, id: string) => Promise<Subject | null>;
  readonly code: string;
  readonly detail: string;
}

const listed = (what: string, path: string): string => `there is no such ${what}: GET ${path} lists those within reach`;

/** By the parameter of the path that names them, and the field of a body. */
const KINDS: Readonly<Record<string, Kind>> = {
  project_id: { find: async (_, id) => ({ projectId: id, environmentId: null, dockerServiceId: null }), code: 'project.not_found', detail: listed('project', '/v1/projects') },
  environment_id: { find: (gateway, id) => inView(gateway, 'environments', id), code: 'environment.not_found', detail: listed('environment', '/v1/environments') },
  docker_service_id: { find: (gateway, id) => inLog(gateway, 'docker_service', id), code: 'docker_service.not_found', detail: listed('service', '/v1/docker-services') },
  deployment_id: {
    find: (gateway, id) => inView(gateway, 'deployments', id),
    code: 'deployment.not_found',
    detail: 'there is no such deployment: GET /v1/docker-services/{id}/deployments lists those of a service',
  },
  job_id: { find: (gateway, id) => inLog(gateway, 'job', id), code: 'job.not_found', detail: listed('job', '/v1/jobs') },
  schedule_id: { find: (gateway, id) => inLog(gateway, 'schedule', id), code: 'schedule.not_found', detail: listed('schedule', '/v1/schedules') },
  network_id: { find: (gateway, id) => inLog(gateway, 'network', id), code: 'network.not_found', detail: listed('network', '/v1/networks') },
  resource_id: { find: (gateway, id) => inLog(gateway, 'resource', id), code: 'resource.not_found', detail: listed('resource', '/v1/resources') },
  volume_id: { find: (gateway, id) => inLog(gateway, 'volume', id), code: 'volume.not_found', detail: listed('volume', '/v1/volumes') },
  secret_id: { find: (gateway, id) => inLog(gateway, 'secret', id), code: 'secret.not_found', detail: listed('secret', '/v1/secrets') },
  config_id: { find: (gateway, id) => inLog(gateway, 'config', id), code: 'config.not_found', detail: listed('config', '/v1/configs') },
};

/** Parameters of paths that name nothing of a project, or only together with one that does. */
const OTHERS: ReadonlySet<string> = new Set(['name', 'node_id', 'user_id', 'token_id', 'origin_id']);

/** Whether the gate knows what a parameter of a path leads to. */
export const isKnownParameter = (name: string): boolean => name in KINDS || OTHERS.has(name);

/** Whether what this field or parameter names belongs to a project. */
export const namesSubject = (field: string): boolean => field in KINDS;

/** Where the thing belongs that `field` names; null where there is none. */
export const findSubject = (gateway: Gateway, field: string, id: string): Promise<Subject | null> => KINDS[field]!.find(gateway, id);

/** What another project's thing is answered like, too. @param pointer where it stands in the body; '' in a path. */
export function subjectNotFound(field: string, pointer: string): Rejection {
  const { code, detail } = KINDS[field]!;
  return new Rejection('not_found', code, detail, pointer === '' ? {} : { pointer });
}

/** The first event of a stream says where its thing belongs, whatever became of it. */
async function inLog({ parts }: Gateway, category: StreamCategory, id: string): Promise<Subject | null> {
  if (!/^[a-z]+_[a-z2-7]{26}$/.test(id)) return null;
  for await (const first of parts.store.readStream(streamOf(category, id), { limit: 1 })) {
    const projectId = projectOf(first);
    const data = first.data as { environmentId?: string | null };
    return projectId && { projectId, environmentId: data.environmentId ?? null, dockerServiceId: category === 'docker_service' ? id : null };
  }
  return null;
}

interface Belonging {
  readonly project_id: string;
  readonly environment_id?: string;
  readonly docker_service_id?: string;
}

/** As its view has it, which knows all that this gateway has acknowledged. */
async function inView(gateway: Gateway, view: ViewName, id: string): Promise<Subject | null> {
  await gateway.fresh([view]);
  const found = await gateway.parts.models.get<Belonging>(view, id);
  if (!found) return null;
  const { project_id: projectId, environment_id, docker_service_id = null } = found;
  if (view === 'environments') return { projectId, environmentId: id, dockerServiceId: null };
  const service = docker_service_id && environment_id === undefined ? await inLog(gateway, 'docker_service', docker_service_id) : null;
  return { projectId, environmentId: environment_id ?? service?.environmentId ?? null, dockerServiceId: docker_service_id };
}
