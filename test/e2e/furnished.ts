import type { Things } from './isolation-matrix.ts';
import { type Doc, type World } from './world.ts';

const HOUR = 3_600_000;

/** A project with its first environment. */
export async function newProject(world: World, name: string): Promise<Things> {
  const { project_id } = await world.post('/v1/projects', { name });
  const [{ environment_id }] = (await world.get(`/v1/environments?project_id=${project_id}`)).items;
  return { project_id, environment_id };
}

/** One of each kind of thing in a project, by the parameter of a path that names it. @param name what each is called. */
export async function furnished(world: World, { project_id, environment_id }: Things, name = 'walled'): Promise<Things> {
  const { docker_service_id, deployment_id } = await world.createService({ environment_id, replicas: 0, name });
  const { job_id } = await world.post('/v1/jobs', { environment_id, image: 'busybox', timeout_ms: 1_000 });
  const { schedule_id } = await world.post('/v1/schedules', { cron: '0 0 1 1 *', job: { environment_id, image: 'busybox' } });
  const { secret_id } = await world.post('/v1/secrets', { project_id, name, value: name });
  const { config_id } = await world.post('/v1/configs', { project_id, name, content: name });
  const { volume_id } = await world.post('/v1/volumes', { environment_id, name });
  const { network_id } = await world.post('/v1/networks', { environment_id, name });
  const { resource_id } = await world.post('/v1/resources', { environment_id, name: `${name}-elsewhere`, kind: 'http', host: 'walled.example.com', port: 80 });
  const { user_id } = await world.post('/v1/users', { login: name, password: 'a long password' });
  await world.post(`/v1/projects/${project_id}/members`, { user_id, role: 'viewer' });
  const { token_id } = await world.post(`/v1/projects/${project_id}/tokens`, { name, role: 'viewer', expires_in_ms: HOUR });
  const [{ node_id }] = (await world.get('/v1/nodes')).items;
  const [{ origin_id }] = (await world.get('/v1/audit?what=ProjectCreated')).items.filter((entry: Doc) => entry.origin_id);
  return { project_id: project_id!, environment_id: environment_id!, docker_service_id, deployment_id, job_id, schedule_id, secret_id, config_id, volume_id, network_id, resource_id, user_id, token_id, node_id, origin_id, name: 'small' };
}
