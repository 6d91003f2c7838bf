import { Ajv2020 } from 'ajv/dist/2020.js';
import { Dispatcher, ToDockerService, ToResource } from '#application';
import { dockerService, streamOf, workingSpec, type ContainerSpec } from '#domain';
import { AggregateStore } from '#event-store';
import { randomCommandId, systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('resources', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  let project_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
    project_id = (await gateway.call('GET', '/v1/projects')).body.items[0].project_id;
  });
  afterAll(() => gateway.close());

  const make = (body: object, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/resources', { environment_id, kind: 'postgres', host: '10.0.0.5', ...body }, headers);
  const service = (body: object) => gateway.call('POST', '/v1/docker-services', { environment_id, image: 'myorg/api:v1', replicas: 0, ...body });
  const serviceId = async (body: object): Promise<string> => {
    const { status, body: made } = await service(body);
    expect([status, made.detail]).toEqual([202, undefined]);
    return made.docker_service_id;
  };
  const errorsOf = ({ body }: { body: Json }) => (body.errors ?? [{ pointer: '', code: body.code }]).map(({ pointer, code }: Json) => [pointer, code]);
  const elsewhere = async (name: string) => {
    const { body } = await gateway.call('POST', '/v1/projects', { name });
    const environments = await gateway.call('GET', `/v1/environments?project_id=${body.project_id}`);
    return { project_id: body.project_id, environment_id: environments.body.items[0].environment_id };
  };

  /** As by a deletion that crossed with a new user. */
  async function deletedMeanwhile(id: string): Promise<void> {
    await gateway.app.get(Dispatcher).send(new ToResource(id, { type: 'DeleteResource', data: {} }, metadata()));
  }

  const metadata = () => ({ commandId: randomCommandId(), tenantId: project_id, actor: { type: 'system', id: 'spec' }, originId: null, now: systemClock.now(), correlationId: 'spec', causationId: null }) as const;

  async function specOf(id: string): Promise<ContainerSpec> {
    const { state } = await gateway.app.get(AggregateStore).load(dockerService, streamOf('docker_service', id));
    if (state.status !== 'present') throw new Error(`${id} isn't there`);
    return workingSpec(state);
  }

  it('match their description, with what follows from the rest filled in', async () => {
    const created = await make({ name: 'described', user: 'app' });
    expect(created).toMatchObject({ status: 201, headers: { location: `/v1/resources/${created.body.resource_id}`, etag: '"0"' } });
    expect(created.body).toMatchObject({ project_id, environment_id, name: 'described', hostname: 'described', host: '10.0.0.5', port: 5432, user: 'app', database: null, password: null, docker_service_id: null, version: 1, used_by: [] });
    const { body: api } = await gateway.call('GET', '/openapi.json');
    const isResource = new Ajv2020({ strict: false, validateFormats: false }).addSchema(api, 'api').getSchema('api#/components/schemas/Resource')!;
    const read = await gateway.call('GET', `/v1/resources/${created.body.resource_id}`);
    for (const { body } of [created, read]) expect([isResource(body), isResource.errors]).toEqual([true, null]);
    expect((await gateway.call('GET', '/v1/resources?name=described&kind=postgres')).body.items).toHaveLength(1);
    expect((await make({ name: 'named', host: 'db.example.com' })).body.hostname).toBe('db.example.com');
  });

  it('name what is wrong with a request', async () => {
    expect(errorsOf(await make({ name: 'No', host: 'http://x', port: 0 }))).toEqual([['/name', 'invalid'], ['/host', 'invalid'], ['/port', 'out_of_range']]);
    expect(errorsOf(await make({ name: 'x', kind: 'oracle' }))).toEqual([['/kind', 'is_in']]);
    expect(errorsOf(await make({ name: 'x', host: undefined }))).toEqual([['/host', 'required']]);
    expect(errorsOf(await make({ name: 'x', password: { secret_id: `sec_${'a'.repeat(26)}` } }))).toEqual([['/password/secret_id', 'secret.unknown']]);
    expect((await make({ name: 'x', host: undefined, docker_service_id: `svc_${'a'.repeat(26)}` })).status).toBe(404);
    await make({ name: 'taken' });
    expect((await make({ name: 'taken' })).body.code).toBe('name.taken');
  });

  it('are answered alike when a request is sent again', async () => {
    const again = { 'idempotency-key': 'made-once' };
    const [one, two] = [await make({ name: 'once' }, again), await make({ name: 'once' }, again)];
    expect([two.status, two.body.resource_id]).toEqual([201, one.body.resource_id]);
    expect((await make({ name: 'twice' }, again)).body.code).toBe('idempotency.key_reused');
    const gone = { 'idempotency-key': 'deleted-once' };
    for (let time = 0; time < 2; time += 1) expect((await gateway.call('DELETE', `/v1/resources/${one.body.resource_id}`, undefined, gone)).status).toBe(204);
    expect((await gateway.call('GET', `/v1/resources/${one.body.resource_id}`)).status).toBe(404);
    expect((await make({ name: 'once' })).status).toBe(201);
  });

  it('are changed by a merge patch, in what may change', async () => {
    const { body } = await make({ name: 'changing', user: 'app' });
    const patch = (change: object) => gateway.call('PATCH', `/v1/resources/${body.resource_id}`, change);
    expect((await patch({ port: 5433, user: null })).body).toMatchObject({ version: 2, port: 5433, user: null, host: '10.0.0.5' });
    expect((await patch({ port: 5433 })).body.version).toBe(2);
    expect(errorsOf(await patch({ name: 'other', kind: 'mysql' }))).toEqual([['/name', 'fixed'], ['/kind', 'fixed']]);
    const docker_service_id = await serviceId({ name: 'behind', ports: [{ container_port: 6000 }] });
    expect((await patch({ docker_service_id })).body).toMatchObject({ host: null, port: null, docker_service_id });
    expect((await patch({ host: 'db.example.com' })).body).toMatchObject({ host: 'db.example.com', hostname: 'db.example.com', port: 5432, docker_service_id: null });
  });

  it('tell services how they are reached: plain names with their values, and where each comes from', async () => {
    const { body: secret } = await gateway.call('POST', '/v1/secrets', { project_id, name: 'db-password', value: 'canary-password' });
    const backing = await serviceId({ name: 'pg', ports: [{ container_port: 5444 }] });
    const { body: db } = await make({ name: 'main-db', host: undefined, docker_service_id: backing, user: 'app', database: 'shop', password: { secret_id: secret.secret_id } });
    const id = await serviceId({ name: 'shop', env: { DB_USER: 'mine' }, dependencies: [{ resource_id: db.resource_id, wait: 'healthy' }, { docker_service_id: backing }] });
    const { body } = await gateway.call('GET', `/v1/docker-services/${id}/env`);
    expect(body.items.map(({ name, source, value }: Json) => `${name} ${source} ${value}`)).toEqual([
      'DB_HOST dependency main-db', 'DB_NAME dependency shop', 'DB_PASS dependency null', 'DB_PORT dependency 5444', 'DB_URL dependency null', 'DB_USER own mine',
      'PG_HOST dependency pg', 'PG_PORT dependency 5444', 'PG_URL dependency tcp://pg:5444',
    ]);
    const { body: seen } = await gateway.call('GET', `/v1/docker-services/${id}`);
    expect(seen.dependencies[0]).toMatchObject({ resource_id: db.resource_id, prefix: null, wait: 'healthy', target: { hostname: 'main-db', port: 5444, password: { secret_id: secret.secret_id, version: 1, latest: true } } });
    expect((await gateway.call('GET', `/v1/secrets/${secret.secret_id}`)).body.used_by.map(({ type, name }: Json) => `${type} ${name}`).sort()).toEqual(['docker_service shop', 'resource main-db']);
    // A patch of something else leaves them as they are.
    const patched = await gateway.call('PATCH', `/v1/docker-services/${id}`, { replicas: 0, env: { DB_USER: 'other' } });
    expect([patched.status, patched.body.dependencies]).toEqual([202, seen.dependencies]);
  });

  it('can’t be deleted while somebody uses them, nor can a service behind one', async () => {
    const backing = await serviceId({ name: 'used-pg', ports: [{ container_port: 5432 }] });
    const { body: db } = await make({ name: 'used-db', host: undefined, docker_service_id: backing });
    const user = await serviceId({ name: 'user', dependencies: [{ resource_id: db.resource_id }] });
    const refused = [await gateway.call('DELETE', `/v1/resources/${db.resource_id}`), await gateway.call('DELETE', `/v1/docker-services/${backing}`)];
    expect(refused.map(({ status, body }) => [status, body.code, body.facts.used_by.map(({ id }: Json) => id).sort()])).toEqual([
      [409, 'resource.in_use', [user]],
      [409, 'docker_service.in_use', [db.resource_id, user].sort()],
    ]);
    expect((await gateway.call('PATCH', `/v1/docker-services/${user}`, { dependencies: null })).body.dependencies).toEqual([]);
    expect((await gateway.call('GET', `/v1/resources/${db.resource_id}`)).body.used_by).toEqual([{ type: 'docker_service', id: user, name: 'user' }]);
  });

  it('are used by what waits for the next deployment, and by the hooks of the deployment under way, too', async () => {
    const { body: db } = await make({ name: 'soon-db' });
    const dependencies = [{ resource_id: db.resource_id }];
    const users = async () => (await gateway.call('DELETE', `/v1/resources/${db.resource_id}`)).body.facts.used_by.map(({ id }: Json) => id).sort();
    const waiting = await serviceId({ name: 'waiting' });
    await gateway.call('PATCH', `/v1/docker-services/${waiting}?apply=next_deploy`, { dependencies });
    expect(await users()).toEqual([waiting]);
    const moving = await serviceId({ name: 'moving' });
    await gateway.call('POST', `/v1/docker-services/${moving}/deployments`, { post_deploy: { script: 'true', dependencies } });
    expect(await users()).toEqual([waiting, moving].sort());
    await gateway.succeed(moving);
    await gateway.call('PATCH', `/v1/docker-services/${waiting}?apply=next_deploy`, { dependencies: null });
    expect((await gateway.call('DELETE', `/v1/resources/${db.resource_id}`)).status).toBe(204);
  });

  it('of another project or environment are none of this one', async () => {
    const other = await elsewhere('other-shop');
    const { body: theirs } = await gateway.call('POST', '/v1/resources', { ...other, name: 'theirs', kind: 'redis', host: '10.0.0.6' });
    expect(await service({ dependencies: [{ resource_id: theirs.resource_id }] })).toMatchObject({ status: 404, body: { code: 'resource.not_found' } });
    const { body: staging } = await gateway.call('POST', `/v1/projects/${project_id}/environments`, { name: 'staging' });
    const { body: nearby } = await make({ name: 'nearby', environment_id: staging.environment_id });
    expect(errorsOf(await service({ dependencies: [{ resource_id: nearby.resource_id }] }))).toEqual([['/dependencies/0/resource_id', 'dependency.other_environment']]);
  });

  it('can’t be used under one prefix twice, nor without a port', async () => {
    const [a, b] = [await make({ name: 'pre-a' }), await make({ name: 'pre-b', kind: 'mysql' })];
    const dependencies = [{ resource_id: a.body.resource_id }, { resource_id: b.body.resource_id }];
    expect(errorsOf(await service({ dependencies }))).toEqual([['/dependencies/1/prefix', 'duplicate']]);
    expect(errorsOf(await service({ deploy: { pre_deploy: { script: 'x', dependencies } } }))).toEqual([['/deploy/pre_deploy/dependencies/1/prefix', 'duplicate']]);
    const portless = await serviceId({ name: 'portless' });
    expect(errorsOf(await service({ dependencies: [{ docker_service_id: portless }] }))).toEqual([['/dependencies/0', 'dependency.no_port']]);
    const { body: used } = await make({ name: 'ported', kind: 'generic', host: undefined, docker_service_id: portless, port: 99 });
    const patch = () => gateway.call('PATCH', `/v1/resources/${used.resource_id}`, { port: null });
    const user = await serviceId({ name: 'port-user', dependencies: [{ resource_id: used.resource_id }] });
    const refused = await patch();
    expect([errorsOf(refused), refused.body.errors[0].detail]).toEqual([[['/port', 'dependency.no_port']], expect.stringContaining(user)]);
    expect(errorsOf(await service({ dependencies: [{}, { resource_id: 'x', docker_service_id: portless, wait: 'up' }] }))).toEqual([
      ['/dependencies/0/resource_id', 'required'], ['/dependencies/1/resource_id', 'exclusive'], ['/dependencies/1/resource_id', 'id'], ['/dependencies/1/wait', 'type'],
    ]);
  });

  it('keep the last port of a service that is used as it is, or by a resource that says none', async () => {
    const ports = [{ container_port: 7000 }];
    const behind = await serviceId({ name: 'keeps-port', type: 'worker', ports });
    const drop = () => gateway.call('PATCH', `/v1/docker-services/${behind}`, { ports: [] });
    const { body: says } = await make({ name: 'says-port', kind: 'generic', host: undefined, docker_service_id: behind, port: 7000 });
    const { body: silent } = await make({ name: 'says-none', kind: 'generic', host: undefined, docker_service_id: behind });
    const knows = await serviceId({ name: 'knows-port', dependencies: [{ resource_id: says.resource_id }] });
    const direct = await serviceId({ name: 'uses-direct', dependencies: [{ docker_service_id: behind }] });
    const through = await serviceId({ name: 'uses-through', dependencies: [{ resource_id: silent.resource_id }] });
    const refused = await drop();
    expect([refused.status, errorsOf(refused), refused.body.facts.used_by.map(({ id }: Json) => id).sort()]).toEqual([422, [['/ports', 'dependency.no_port']], [direct, through].sort()]);
    const { body: foreseen } = await gateway.call('POST', `/v1/docker-services/${behind}/preview`, { patch: { ports: [] } });
    expect(foreseen.conflicts).toMatchObject([{ code: 'dependency.no_port', pointer: '/patch/ports' }]);
    expect((await gateway.call('GET', `/v1/docker-services/${knows}`)).body.dependencies[0].target.port).toBe(7000);
  });

  it('keep that port for a hook of the service itself, until the same change takes it out there', async () => {
    const own = await serviceId({ name: 'own-port', type: 'worker', ports: [{ container_port: 7000 }] });
    const patch = (body: object) => gateway.call('PATCH', `/v1/docker-services/${own}`, body);
    expect((await patch({ deploy: { post_deploy: { script: 'true', dependencies: [{ docker_service_id: own }] } } })).status).toBe(200);
    expect((await patch({ ports: [] })).body.facts?.used_by.map(({ id }: Json) => id)).toEqual([own]);
    expect((await patch({ ports: [], deploy: { post_deploy: null } })).status).toBe(202);
  });

  it('keep that port from a deployment of what waited for it, and from a rollback, too', async () => {
    const behind = await serviceId({ name: 'port-later' });
    await gateway.succeed(behind);
    await gateway.call('PATCH', `/v1/docker-services/${behind}`, { ports: [{ container_port: 7000 }] });
    await gateway.succeed(behind);
    expect((await gateway.call('PATCH', `/v1/docker-services/${behind}?apply=next_deploy`, { ports: [] })).status).toBe(200);
    const user = await serviceId({ name: 'came-meanwhile', dependencies: [{ docker_service_id: behind }] });
    const { body: deployed } = await gateway.call('POST', `/v1/docker-services/${behind}/deployments`, {});
    const { body: back } = await gateway.call('POST', `/v1/docker-services/${behind}/rollback`, { release: 1 });
    for (const { code, facts } of [deployed, back]) expect([code, facts?.used_by.map(({ id }: Json) => id)]).toEqual(['dependency.no_port', [user]]);
    // What isn't about ports goes through.
    expect((await gateway.call('PATCH', `/v1/docker-services/${behind}?apply=next_deploy`, { env: { A: 'b' } })).status).toBe(200);
  });

  it('refuse services that would wait for each other, and name the circle', async () => {
    const ports = [{ container_port: 80 }];
    const a = await serviceId({ name: 'wait-a', ports });
    const b = await serviceId({ name: 'wait-b', ports, dependencies: [{ docker_service_id: a, wait: 'healthy' }] });
    const { body: resource } = await make({ name: 'wait-r', kind: 'http', host: undefined, docker_service_id: b });
    const patch = (change: object) => gateway.call('PATCH', `/v1/docker-services/${a}`, change);
    const circle = await patch({ dependencies: [{ resource_id: resource.resource_id, wait: 'healthy' }] });
    expect([circle.status, circle.body.code, circle.body.detail]).toEqual([422, 'dependency.wait_cycle', expect.stringContaining('wait-a → wait-b → wait-a')]);
    expect((await patch({ dependencies: [{ docker_service_id: a, wait: 'healthy' }] })).body.code).toBe('dependency.wait_cycle');
    expect((await patch({ dependencies: [{ resource_id: resource.resource_id }] })).status).toBe(202);
    // Nor by a resource that moves.
    const { body: moving } = await make({ name: 'wait-m', kind: 'http' });
    expect((await patch({ dependencies: [{ resource_id: moving.resource_id, wait: 'healthy' }] })).status).toBe(202);
    expect((await gateway.call('PATCH', `/v1/resources/${moving.resource_id}`, { docker_service_id: b })).body.code).toBe('dependency.wait_cycle');
  });

  it('are asked for again before a deployment, and a rollback also where it names no release', async () => {
    const { body: db } = await make({ name: 'passing-db' });
    const id = await serviceId({ name: 'goes-back', dependencies: [{ resource_id: db.resource_id }] });
    await gateway.succeed(id);
    await gateway.call('PATCH', `/v1/docker-services/${id}`, { dependencies: null });
    await gateway.succeed(id);
    await deletedMeanwhile(db.resource_id);
    const back = (body: object) => gateway.call('POST', `/v1/docker-services/${id}/rollback`, body);
    for (const body of [{ release: 1 }, {}]) expect(await back(body)).toMatchObject({ status: 409, body: { code: 'resource.deleted', detail: expect.stringContaining(`release 1 uses the resource passing-db (${db.resource_id}), which is deleted`) } });
    expect(await back({ release: 9 })).toMatchObject({ status: 409, body: { code: 'docker_service.release_not_kept' } });
  });

  it('that were deleted while somebody came to use them stand in the way of a release only', async () => {
    const [{ body: db }, { body: hooks }] = [await make({ name: 'crossed-db' }), await make({ name: 'crossed-hook-db' })];
    const uses = (resource_id: string) => ({ script: 'true', dependencies: [{ resource_id }] });
    const id = await serviceId({ name: 'crossed', dependencies: [{ resource_id: db.resource_id }], deploy: { pre_deploy: uses(hooks.resource_id) } });
    for (const { resource_id } of [db, hooks]) await deletedMeanwhile(resource_id);
    const patch = (body: object) => gateway.call('PATCH', `/v1/docker-services/${id}`, body);
    expect(await patch({ replicas: 2, labels: { team: 'shop' }, deploy: { max_surge: 2, post_deploy: { script: 'true' } } })).toMatchObject({
      status: 200, body: { replicas: { desired: 2 }, labels: { team: 'shop' }, deploy: { max_surge: 2, pre_deploy: { dependencies: [{ resource_id: hooks.resource_id }] }, post_deploy: { command: ['/bin/sh', '-c', 'true'] } } },
    });
    const errors = async (body: object) => errorsOf(await patch(body));
    expect(await errors({ env: { A: 'b' } })).toEqual([['/dependencies/0/resource_id', 'resource.not_found']]);
    expect(await errors({ deploy: { pre_deploy: uses(hooks.resource_id) } })).toEqual([['/deploy/pre_deploy/dependencies/0/resource_id', 'resource.not_found']]);
    expect((await patch({ env: { A: 'b' }, dependencies: null })).status).toBe(202);
  });

  it('that lost their port while somebody came to use them leave its other changes alone', async () => {
    const behind = await serviceId({ name: 'loses-port', type: 'worker', ports: [{ container_port: 7000 }] });
    const id = await serviceId({ name: 'crossed-port', dependencies: [{ docker_service_id: behind }] });
    await gateway.app.get(Dispatcher).send(new ToDockerService(behind, { type: 'ChangeDockerService', data: { deploymentId: 'dep_portless', spec: { ...(await specOf(behind)), ports: [] } } }, metadata()));
    await gateway.succeed(behind);
    const patched = await gateway.call('PATCH', `/v1/docker-services/${id}`, { env: { A: 'b' } });
    expect([patched.status, patched.body.dependencies?.[0].target.port]).toEqual([202, 7000]);
    expect(errorsOf(await service({ dependencies: [{ docker_service_id: behind }] }))).toEqual([['/dependencies/0', 'dependency.no_port']]);
  });

  it('are waited for in no circle by a hook of one deployment either', async () => {
    const ports = [{ container_port: 80 }];
    const a = await serviceId({ name: 'hook-a', ports });
    const b = await serviceId({ name: 'hook-b', ports, dependencies: [{ docker_service_id: a, wait: 'healthy' }] });
    const pre_deploy = { script: 'true', dependencies: [{ docker_service_id: b, wait: 'healthy' }] };
    const circle = { code: 'dependency.wait_cycle', detail: expect.stringContaining('hook-a → hook-b → hook-a') };
    expect(await gateway.call('POST', `/v1/docker-services/${a}/deployments`, { pre_deploy })).toMatchObject({ status: 422, body: circle });
    expect((await gateway.call('POST', `/v1/docker-services/${a}/preview`, { deployment: { pre_deploy } })).body.conflicts).toEqual([{ ...circle, pointer: '/deployment/pre_deploy/dependencies' }]);
    expect((await gateway.call('POST', `/v1/docker-services/${a}/deployments`, { post_deploy: pre_deploy })).status).toBe(202);
  });

  it('are looked up for a job when it is made', async () => {
    const { body: db } = await make({ name: 'job-db' });
    const { body: job } = await gateway.call('POST', '/v1/jobs', { environment_id, image: 'myorg/api:v1', dependencies: [{ resource_id: db.resource_id }] });
    expect(job.dependencies[0].target).toMatchObject({ hostname: 'job-db', address: '10.0.0.5', port: 5432, version: 1 });
    expect((await gateway.call('DELETE', `/v1/resources/${db.resource_id}`)).body.facts.used_by).toEqual([{ type: 'job', id: job.job_id, name: job.name }]);
    // One that runs it again is made later.
    await gateway.call('PATCH', `/v1/resources/${db.resource_id}`, { host: '10.0.0.6' });
    const { body: again } = await gateway.call('POST', `/v1/jobs/${job.job_id}/run`);
    expect(again.dependencies[0].target).toMatchObject({ address: '10.0.0.6', version: 2 });
    for (const { job_id } of [job, again]) await gateway.call('POST', `/v1/jobs/${job_id}/cancel`);
    await deletedMeanwhile(db.resource_id);
    expect(await gateway.call('POST', `/v1/jobs/${job.job_id}/run`)).toMatchObject({ status: 409, body: { code: 'resource.deleted' } });
  });
});
