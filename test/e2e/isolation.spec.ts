import { furnished, newProject } from './furnished.ts';
import { ASKING, expected, MATRIX, operationsOf, type Asking, type Things } from './isolation-matrix.ts';
import { World, type Doc } from './world.ts';

const HOUR = 3_600_000;

interface Told {
  readonly status: number;
  readonly body: Doc;
}

/** No tenant reaches another's things, and none does more than its role: every operation of the description, by everybody who mustn't. */
describe('isolation', () => {
  let world: World;
  let document: Doc;
  let mine: Things;
  let other: Things;
  let tokens: Readonly<Record<Asking, string | null>>;

  beforeAll(async () => {
    world = await World.start();
    document = await world.get('/openapi.json');
    const [expiring, otherOwner] = [await newProject(world, 'expiring'), await newProject(world, 'other')];
    mine = await furnished(world, await newProject(world, 'mine'));
    other = otherOwner;
    tokens = {
      'no token': null,
      'expired token': await issue(expiring, { role: 'owner', expires_in_ms: 1_000 }),
      'other owner': await issue(other, { role: 'owner' }),
      viewer: await issue(mine, { role: 'viewer' }),
      'deploy token': await issue(mine, { role: 'developer', scope: { docker_service_id: mine['docker_service_id'], actions: ['deploy'] } }),
    };
    await world.eventually('a token has expired', async () => (await ask('get', '/v1/projects', 'expired token')).status === 401);
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  const issue = async ({ project_id }: Things, body: object): Promise<string> =>
    (await world.post(`/v1/projects/${project_id}/tokens`, { name: 'isolation', expires_in_ms: HOUR, ...body })).token;

  async function ask(verb: string, path: string, asking: Asking, body?: Doc, isStream = false): Promise<Told> {
    const token = tokens[asking];
    const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    if (isStream && (await world.begins(path, authorization))) return { status: 200, body: null };
    const init = { headers: { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body) };
    const { status, headers, text } = await world.sent(verb.toUpperCase(), path, init);
    return { status, body: text && /\bjson\b|\+json/.test(headers.get('content-type') ?? '') ? JSON.parse(text) : text };
  }

  const pathOf = (operation: string, things: Things): string => {
    const path = operation.split(' ')[1]!;
    return path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => things[name] ?? `nothing-known-by-${name}`) + (MATRIX[operation]?.query?.(things) ?? '');
  };

  it('is asked of every operation that there is, and of no other', () => expect(operationsOf(document).sort()).toEqual(Object.keys(MATRIX).sort()));

  it.each(ASKING)('refuses: %s', async (asking) => {
    const wrong = [];
    for (const operation of operationsOf(document).filter((each) => MATRIX[each])) wrong.push(...(await flawsOf(operation, asking)));
    expect(wrong).toEqual([]);
  }, 180_000);

  /** What is wrong with how an operation answers who mustn't, or mayn't all. */
  async function flawsOf(operation: string, asking: Asking): Promise<string[]> {
    const row = MATRIX[operation]!;
    const verb = operation.split(' ')[0]!;
    const path = pathOf(operation, mine);
    const { status, body } = await ask(verb, path, asking, row.body?.(mine) ?? bodyOf(verb), row.isStream);
    const due = expected(row, asking);
    const isRefusal = due !== 200 && due !== 'passed';
    return [
      ...(due === status || (due === 'passed' && isLetThrough(status, row.needs)) ? [] : [`${operation}: ${status} ${body?.code ?? ''} instead of ${due}`]),
      ...(isRefusal && !(body?.code && body?.detail) ? [`${operation}: a refusal that says nothing: ${JSON.stringify(body)}`] : []),
      ...(asking === 'other owner' && namesAnyOf(mine, body, path) ? [`${operation}: tells of another project: ${JSON.stringify(body)}`] : []),
    ];
  }

  const isLetThrough = (status: number, needs: string): boolean => (needs === 'nothing' ? status === 422 : ![401, 403, 404].includes(status));
  const bodyOf = (verb: string): Doc => (verb === 'get' || verb === 'delete' ? undefined : {});

  /** Whether the answer names something of the project that the question didn't. */
  function namesAnyOf(things: Things, told: Doc, asked: string): boolean {
    const text = JSON.stringify(told ?? '');
    return Object.entries(things).some(([field, id]) => !['name', 'node_id', 'origin_id'].includes(field) && !asked.includes(id) && text.includes(id));
  }

  it('answers of what is another’s just what it answers of what there isn’t', async () => {
    const none: Things = Object.fromEntries(Object.entries(mine).map(([field, id]) => [field, id.replace(/_[a-z2-7]{26}$/, `_${'a'.repeat(26)}`)]));
    for (const operation of operationsOf(document).filter((each) => MATRIX[each]?.by === 'path' && MATRIX[each].needs !== 'operator')) {
      const verb = operation.split(' ')[0]!;
      const told = await Promise.all([mine, none].map((things) => ask(verb, pathOf(operation, things), 'other owner', bodyOf(verb))));
      expect([operation, told[0]]).toEqual([operation, told[1]]);
    }
  }, 120_000);

  it('takes nothing of another project into one’s own, wherever a body names it', async () => {
    const own = { environment_id: other['environment_id'], image: 'busybox', replicas: 0 };
    const { docker_service_id, secret_id, config_id, volume_id, network_id, resource_id, environment_id, project_id } = mine;
    const bodies: [string, string, Doc][] = [
      ['/v1/docker-services', '/project_id', { ...own, project_id }],
      ['/v1/docker-services', '/secrets', { ...own, secrets: { KEY: { secret_id } } }],
      ['/v1/docker-services', '/registry_credentials', { ...own, registry_credentials: { secret_id } }],
      ['/v1/docker-services', '/configs', { ...own, configs: [{ path: '/x', config_id }] }],
      ['/v1/docker-services', '/volumes', { ...own, volumes: [{ volume_id, mount_path: '/x' }] }],
      ['/v1/docker-services', '/networks', { ...own, networks: [{ network_id }] }],
      ['/v1/docker-services', '/dependencies', { ...own, dependencies: [{ resource_id }] }],
      ['/v1/docker-services', '/dependencies', { ...own, dependencies: [{ docker_service_id }] }],
      ['/v1/docker-services/preview', '/dependencies', { ...own, dependencies: [{ docker_service_id }] }],
      ['/v1/docker-services', '/deploy/pre_deploy', { ...own, deploy: { pre_deploy: { script: 'env', secrets: { KEY: { secret_id } } } } }],
      ['/v1/jobs', '/docker_service_id', { docker_service_id }],
      ['/v1/jobs', '/secrets', { environment_id: other['environment_id'], image: 'busybox', secrets: { KEY: { secret_id } } }],
      ['/v1/schedules', '/job', { cron: '0 0 1 1 *', job: { docker_service_id } }],
      ['/v1/secrets', '/environment_id', { project_id: other['project_id'], environment_id, name: 'x', value: 'x' }],
      ['/v1/networks', '/environment_id', { environment_id, name: 'x' }],
      ['/v1/resources', '/environment_id', { environment_id, name: 'x', kind: 'http', host: 'example.com' }],
      ['/v1/resources', '/docker_service_id', { environment_id: other['environment_id'], name: 'x', kind: 'http', docker_service_id }],
      ['/v1/volumes', '/environment_id', { environment_id, name: 'x' }],
      [`/v1/projects/${other['project_id']}/tokens`, '/scope', { name: 'x', role: 'developer', expires_in_ms: HOUR, scope: { docker_service_id } }],
      [`/v1/projects/${other['project_id']}/tokens`, '/scope', { name: 'x', role: 'developer', expires_in_ms: HOUR, scope: { environment_id } }],
    ];
    for (const [path, pointer, body] of bodies) {
      const told = await ask('post', path, 'other owner', body);
      expect([path, pointer, [404, 422].includes(told.status), told.body.errors?.[0]?.pointer.startsWith(pointer), told]).toEqual([path, pointer, true, true, told]);
    }
  }, 60_000);

  it('streams to each what is its own', async () => {
    let made: Promise<Doc> | null = null;
    const making = () => void (made = world.createService({ environment_id: other['environment_id'], replicas: 0, name: 'last' }));
    let text = '';
    for await (const event of world.stream('/v1/events', { authorization: `Bearer ${tokens['other owner']}` }, making)) {
      text += `${event}\n`;
      if (text.includes((await made!).docker_service_id) && text.includes('DockerServiceCreated')) break;
    }
    expect(Object.entries(mine).filter(([field, id]) => !['name', 'node_id', 'origin_id', 'user_id'].includes(field) && text.includes(id))).toEqual([]);
    const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, json]) => JSON.parse(json!) as Doc);
    expect(new Set(events.map(({ project_id }) => project_id))).toEqual(new Set([other['project_id']]));
  }, 60_000);
});
