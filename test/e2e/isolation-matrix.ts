import type { Doc } from './world.ts';

/** Things of one project, by the parameter of a path that names them. */
export type Things = Readonly<Record<string, string>>;

/** Who asks: nobody, an expired token of an owner, the owner of another project, and a viewer and a deploy token of the project itself. */
export const ASKING = ['no token', 'expired token', 'other owner', 'viewer', 'deploy token'] as const;
export type Asking = (typeof ASKING)[number];

/** What an operation asks for, and what says of which project it is. */
export interface Row {
  readonly needs: 'nothing' | 'anybody' | 'viewer' | 'developer' | 'owner' | 'operator';
  /** `path`: an id of the path; `body`: an id of the body; `list`: it shows what is within reach; `none`: it tells of no project. */
  readonly by: 'path' | 'body' | 'list' | 'none';
  readonly deploys?: true;
  readonly body?: (things: Things) => Doc;
  readonly query?: (things: Things) => string;
  /** Never ends by itself. */
  readonly isStream?: true;
}

const read = (more: Partial<Row> = {}): Row => ({ needs: 'viewer', by: 'path', ...more });
const list: Row = { needs: 'viewer', by: 'list' };
const change = (needs: Row['needs'] = 'developer', more: Partial<Row> = {}): Row => ({ needs, by: 'path', ...more });
const make = (body: Row['body']): Row => ({ needs: 'developer', by: 'body', body });
const operator: Row = { needs: 'operator', by: 'none' };
const anybody: Row = { needs: 'anybody', by: 'none' };

const container = ({ environment_id }: Things) => ({ environment_id, image: 'busybox' });

/** Every operation there is. One that isn't here, or that isn't there any more, fails the test that reads this. */
export const MATRIX: Readonly<Record<string, Row>> = {
  'get /metrics': operator,
  'get /v1/audit': list,
  'get /v1/audit/diff': read({ query: (things) => `?resource=${things['docker_service_id']}&from=2020-01-01T00:00:00Z` }),
  'get /v1/audit/export': list,
  'get /v1/audit/verify': list,
  'get /v1/configs': list,
  'post /v1/configs': make(({ project_id }) => ({ project_id, name: 'forbidden', content: 'x' })),
  'get /v1/configs/{config_id}': read(),
  'put /v1/configs/{config_id}': change(),
  'delete /v1/configs/{config_id}': change(),
  'get /v1/deployments/{deployment_id}': read({ deploys: true }),
  'get /v1/deployments/{deployment_id}/explain': read(),
  'post /v1/deployments/{deployment_id}/cancel': change('developer', { deploys: true }),
  'get /v1/docker-services': list,
  'post /v1/docker-services': make(container),
  'post /v1/docker-services/preview': make(container),
  'get /v1/docker-services/{docker_service_id}': read({ deploys: true }),
  'patch /v1/docker-services/{docker_service_id}': change(),
  'delete /v1/docker-services/{docker_service_id}': change(),
  'get /v1/docker-services/{docker_service_id}/configs': read(),
  'put /v1/docker-services/{docker_service_id}/configs': change(),
  'get /v1/docker-services/{docker_service_id}/deployments': read({ deploys: true }),
  'post /v1/docker-services/{docker_service_id}/deployments': change('developer', { deploys: true }),
  'get /v1/docker-services/{docker_service_id}/env': read(),
  'put /v1/docker-services/{docker_service_id}/env': change(),
  'patch /v1/docker-services/{docker_service_id}/env': change(),
  'get /v1/docker-services/{docker_service_id}/events': read(),
  'get /v1/docker-services/{docker_service_id}/explain': read(),
  'get /v1/docker-services/{docker_service_id}/logs': read(),
  'get /v1/docker-services/{docker_service_id}/metrics': read(),
  'post /v1/docker-services/{docker_service_id}/pause': change(),
  'post /v1/docker-services/{docker_service_id}/preview': change('developer', { body: () => ({ scale: { replicas: 1 } }) }),
  'get /v1/docker-services/{docker_service_id}/quota': read(),
  'put /v1/docker-services/{docker_service_id}/quota': change('owner', { body: () => ({}) }),
  'get /v1/docker-services/{docker_service_id}/releases': read(),
  'get /v1/docker-services/{docker_service_id}/replicas': read(),
  'post /v1/docker-services/{docker_service_id}/restart': change(),
  'post /v1/docker-services/{docker_service_id}/resume': change(),
  'post /v1/docker-services/{docker_service_id}/rollback': change('developer', { deploys: true }),
  'post /v1/docker-services/{docker_service_id}/scale': change(),
  'get /v1/docker-services/{docker_service_id}/secrets': read(),
  'put /v1/docker-services/{docker_service_id}/secrets': change(),
  'patch /v1/docker-services/{docker_service_id}/secrets': change(),
  'post /v1/docker-services/{docker_service_id}/start': change(),
  'post /v1/docker-services/{docker_service_id}/stop': change(),
  'get /v1/environments': list,
  'get /v1/environments/{environment_id}': read(),
  'delete /v1/environments/{environment_id}': change('owner'),
  'get /v1/events': { ...list, isStream: true },
  'get /v1/jobs': list,
  'post /v1/jobs': make(container),
  'get /v1/jobs/{job_id}': read(),
  'post /v1/jobs/{job_id}/cancel': change(),
  'get /v1/jobs/{job_id}/events': read(),
  'get /v1/jobs/{job_id}/explain': read(),
  'get /v1/jobs/{job_id}/logs': read(),
  'post /v1/jobs/{job_id}/run': change(),
  'get /v1/networks': list,
  'post /v1/networks': make(({ environment_id }) => ({ environment_id, name: 'forbidden' })),
  'get /v1/networks/{network_id}': read(),
  'delete /v1/networks/{network_id}': change(),
  'get /v1/nodes': operator,
  'get /v1/nodes/{node_id}': operator,
  'delete /v1/nodes/{node_id}': operator,
  'get /v1/nodes/{node_id}/explain': operator,
  'post /v1/nodes/{node_id}/activate': operator,
  'post /v1/nodes/{node_id}/adopt': operator,
  'post /v1/nodes/{node_id}/drain': operator,
  'get /v1/origins/{origin_id}': operator,
  'delete /v1/origins/{origin_id}': operator,
  'get /v1/plans': anybody,
  'post /v1/plans': operator,
  'get /v1/plans/{name}': anybody,
  'put /v1/plans/{name}': operator,
  'get /v1/projections': operator,
  'post /v1/projections/{name}/rebuild': operator,
  'get /v1/projects': list,
  'post /v1/projects': operator,
  'get /v1/projects/{project_id}': read(),
  'delete /v1/projects/{project_id}': operator,
  'get /v1/projects/{project_id}/environments': read(),
  'post /v1/projects/{project_id}/environments': change('owner'),
  'get /v1/projects/{project_id}/members': read(),
  'post /v1/projects/{project_id}/members': change('owner'),
  'put /v1/projects/{project_id}/members/{user_id}': change('owner'),
  'delete /v1/projects/{project_id}/members/{user_id}': change('owner'),
  'get /v1/projects/{project_id}/quota': read(),
  'put /v1/projects/{project_id}/quota': { ...operator, body: () => ({}) },
  'get /v1/projects/{project_id}/tokens': read({ needs: 'owner' }),
  'post /v1/projects/{project_id}/tokens': change('owner'),
  'delete /v1/projects/{project_id}/tokens/{token_id}': change('owner'),
  'get /v1/resources': list,
  'post /v1/resources': make(({ environment_id }) => ({ environment_id, name: 'forbidden', kind: 'http', host: 'example.com' })),
  'get /v1/resources/{resource_id}': read(),
  'patch /v1/resources/{resource_id}': change(),
  'delete /v1/resources/{resource_id}': change(),
  'get /v1/schedules': list,
  'post /v1/schedules': make((things) => ({ cron: '0 0 1 1 *', job: container(things) })),
  'get /v1/schedules/{schedule_id}': read(),
  'patch /v1/schedules/{schedule_id}': change(),
  'delete /v1/schedules/{schedule_id}': change(),
  'get /v1/schedules/{schedule_id}/events': read(),
  'get /v1/schedules/{schedule_id}/explain': read(),
  'get /v1/secrets': list,
  'post /v1/secrets': make(({ project_id }) => ({ project_id, name: 'forbidden', value: 'x' })),
  'get /v1/secrets/{secret_id}': read(),
  'put /v1/secrets/{secret_id}': change(),
  'delete /v1/secrets/{secret_id}': change(),
  'post /v1/sessions': { needs: 'nothing', by: 'none' },
  'get /v1/sessions/current': anybody,
  'get /v1/users': operator,
  'post /v1/users': operator,
  'get /v1/users/{user_id}': operator,
  'delete /v1/users/{user_id}': operator,
  // And of people their own, which no token has.
  'put /v1/users/{user_id}/password': { ...operator, body: () => ({ password: 'another password' }) },
  'get /v1/volumes': list,
  'post /v1/volumes': make(({ environment_id }) => ({ environment_id, name: 'forbidden' })),
  'get /v1/volumes/{volume_id}': read(),
  'delete /v1/volumes/{volume_id}': change(),
  'get /v1/volumes/{volume_id}/explain': read(),
};

/** What has to come of it: a status, or `passed` for anything that isn't a refusal of who asks. */
export function expected({ needs, by, deploys }: Row, asking: Asking): 401 | 403 | 404 | 200 | 'passed' {
  if (needs === 'nothing') return 'passed';
  if (asking === 'no token' || asking === 'expired token') return 401;
  if (needs === 'anybody') return 200;
  if (needs === 'operator') return 403;
  if (asking === 'other owner') return by === 'list' ? 200 : 404;
  if (asking === 'deploy token') return deploys ? 'passed' : 403;
  return needs === 'viewer' ? 200 : 403;
}

/** Every operation that an OpenAPI document describes, as `verb path`. */
export const operationsOf = (document: Doc): string[] =>
  Object.entries<Doc>(document.paths).flatMap(([path, item]) => ['get', 'post', 'put', 'patch', 'delete'].filter((verb) => verb in item).map((verb) => `${verb} ${path}`));
