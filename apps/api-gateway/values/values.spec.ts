import { Ajv2020 } from 'ajv/dist/2020.js';
import { Dispatcher, ToConfig, ToSecret } from '#application';
import { Transient } from '#contracts';
import { randomCommandId, systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { Gateway } from '../gateway.ts';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('secrets and configs', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  let project_id: string;
  const logger = new MemoryLogger();
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger });
    environment_id = await gateway.environmentId();
    project_id = (await gateway.call('GET', '/v1/projects')).body.items[0].project_id;
  });
  afterAll(() => gateway.close());

  const key = (name: string) => ({ 'idempotency-key': name });
  const keep = async (name: string, value = 'hunter2', more: object = {}, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/secrets', { project_id, name, value, ...more }, headers);
  const service = (body: object) => gateway.call('POST', '/v1/docker-services', { environment_id, image: 'myorg/api:v1', replicas: 0, ...body });
  const errorsOf = ({ body }: { body: Json }) => body.errors.map(({ pointer, code }: Json) => [pointer, code]);

  it('tell all of a secret but its value, and match their description', async () => {
    const created = await keep('described');
    expect(created).toMatchObject({ status: 201, headers: { location: `/v1/secrets/${created.body.secret_id}`, etag: '"0"' }, body: { project_id, environment_id: null, name: 'described', version: 1, used_by: [] } });
    const { body: api } = await gateway.call('GET', '/openapi.json');
    const isSecret = new Ajv2020({ strict: false, validateFormats: false }).addSchema(api, 'api').getSchema('api#/components/schemas/Secret')!;
    for (const answer of [created, await gateway.call('GET', `/v1/secrets/${created.body.secret_id}`)]) {
      expect([isSecret(answer.body), isSecret.errors]).toEqual([true, null]);
      expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    }
    expect((await gateway.call('GET', '/v1/secrets?name=described')).body.items).toHaveLength(1);
  });

  it('put no value into the log, nor what could be guessed of one', async () => {
    const { body } = await keep('unlogged', 'a-very-rare-value', {}, key('unlogged'));
    await gateway.call('PUT', `/v1/secrets/${body.secret_id}`, { value: 'another-rare-value' }, key('unlogged-2'));
    const { body: audit } = await gateway.call('GET', `/v1/audit?resource=${body.secret_id}`);
    expect(audit.items.map(({ what }: Json) => what)).toEqual(['SecretVersionAdded', 'SecretCreated']);
    const first = JSON.stringify(audit) + JSON.stringify(logger);
    expect(first).not.toContain('rare-value');
  });

  it('answer a request that is sent again by what it did, and refuse another value under its key', async () => {
    const [one, two] = [await keep('repeated', 'one', {}, key('r1')), await keep('repeated', 'one', {}, key('r1'))];
    expect([two.status, two.body.secret_id]).toEqual([201, one.body.secret_id]);
    expect((await keep('repeated', 'two', {}, key('r1'))).body.code).toBe('idempotency.key_reused');
    expect((await keep('renamed', 'one', {}, key('r1'))).body.code).toBe('idempotency.key_reused');
    const change = (value: string) => gateway.call('PUT', `/v1/secrets/${one.body.secret_id}`, { value }, key('r2'));
    expect((await change('three')).body.version).toBe(2);
    expect((await change('three')).body.version).toBe(2);
    expect((await change('four')).body.code).toBe('idempotency.key_reused');
  });

  it('are told from those of another project under the same key, also where nothing came of them', async () => {
    const { project_id: elsewhere } = (await gateway.call('POST', '/v1/projects', { name: 'elsewhere' })).body;
    await keep('taken');
    expect((await keep('taken', 'x', {}, key('r3'))).body.code).toBe('name.taken');
    expect((await keep('free', 'x', { project_id: elsewhere }, key('r3'))).body.code).toBe('idempotency.key_reused');
  });

  it('count versions without a gap, however many come at once', async () => {
    const { body } = await keep('many');
    const changed = await Promise.all(Array.from({ length: 8 }, (_, i) => gateway.call('PUT', `/v1/secrets/${body.secret_id}`, { value: `v${i}` })));
    expect(changed.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const read = (await gateway.call('GET', `/v1/secrets/${body.secret_id}`)).body;
    expect(read.versions.map(({ version }: Json) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await gateway.call('PUT', `/v1/secrets/${body.secret_id}`, { value: 'x' }, { 'if-match': '"3"' })).status).toBe(412);
  });

  it('name what is wrong with a request', async () => {
    expect(errorsOf(await keep('No_Name', ''))).toEqual([['/name', 'invalid'], ['/value', 'required']]);
    expect(errorsOf(await keep('nul', 'a\0b'))).toEqual([['/value', 'invalid']]);
    expect(errorsOf(await keep('large', 'x'.repeat(65_537)))).toEqual([['/value', 'too_long']]);
    expect(errorsOf(await gateway.call('POST', '/v1/secrets', { name: 'x', value: 5 }))).toEqual([['/value', 'is_string'], ['/project_id', 'required']]);
    await keep('taken');
    expect((await keep('taken')).body.code).toBe('name.taken');
    expect((await keep('taken', 'x', { environment_id })).status).toBe(201);
    expect((await keep('nowhere', 'x', { environment_id: `env_${'a'.repeat(26)}` })).body.code).toBe('environment.not_found');
    expect((await gateway.call('GET', `/v1/secrets/sec_${'a'.repeat(26)}`)).body.code).toBe('secret.not_found');
  });

  it('are given to a container only where they are, with the place in the body named where not', async () => {
    const { body: here } = await keep('here', 'x', { environment_id });
    const gone = `sec_${'b'.repeat(26)}`;
    const answer = await service({
      secrets: { A: { secret_id: gone }, B: { secret_id: here.secret_id, version: 7 }, C: { secret_id: here.secret_id } },
      configs: [{ path: '/x', config_id: `cfg_${'b'.repeat(26)}` }], registry_credentials: { secret_id: gone },
      deploy: {},
    });
    expect([answer.status, errorsOf(answer)]).toEqual([422, [['/secrets/A/secret_id', 'secret.unknown'], ['/secrets/B/version', 'secret.unknown'], ['/configs/0/config_id', 'config.unknown'], ['/registry_credentials/secret_id', 'secret.unknown']]]);
    expect(errorsOf(await service({ deploy: { pre_deploy: { script: 'true', secrets: { A: { secret_id: gone } } } } }))).toEqual([['/deploy/pre_deploy/secrets/A/secret_id', 'secret.unknown']]);
    expect(errorsOf(await service({ secrets: { A: 'hunter2', B: { secret_id: here.secret_id, as: 'tmp' } }, configs: [{ path: '/x' }] }))).toEqual([['/secrets/A', 'type'], ['/secrets/B/as', 'type'], ['/configs/0/content', 'exclusive']]);
    const other = (await gateway.call('POST', `/v1/projects/${project_id}/environments`, { name: 'other' })).body.environment_id;
    expect(errorsOf(await service({ environment_id: other, secrets: { A: { secret_id: here.secret_id } } }))).toEqual([['/secrets/A/secret_id', 'secret.unknown']]);
  });

  it('are part of a release: followed or fixed, and changed by a patch', async () => {
    const { body: { secret_id } } = await keep('patched');
    const { body: { docker_service_id: id, ...made } } = await service({ secrets: { FOLLOWS: { secret_id }, FIXED: { secret_id, version: 1, as: 'file' } } });
    expect(made.secrets).toEqual({ FOLLOWS: { secret_id, version: 1, latest: true, as: 'env' }, FIXED: { secret_id, version: 1, latest: false, as: 'file' } });
    await gateway.succeed(id);
    await gateway.call('PUT', `/v1/secrets/${secret_id}?apply=next_deploy`, { value: 'two' });
    const patched = await gateway.call('PATCH', `/v1/docker-services/${id}`, { secrets: { FIXED: null, MORE: { secret_id, version: 'latest' } } });
    expect([patched.status, patched.body.secrets]).toEqual([202, { FOLLOWS: { secret_id, version: 2, latest: true, as: 'env' }, MORE: { secret_id, version: 2, latest: true, as: 'env' } }]);
    expect((await gateway.call('PATCH', `/v1/docker-services/${id}`, { replicas: 0 })).status).toBe(200);
    const used = await gateway.call('DELETE', `/v1/secrets/${secret_id}`);
    expect([used.status, used.body.code, used.body.facts.used_by]).toEqual([409, 'secret.in_use', [{ type: 'docker_service', id, name: made.name }]]);
  });

  it('are changed part by part, at once or with the next deployment', async () => {
    const { body: { secret_id } } = await keep('parts');
    const { body: { docker_service_id: id } } = await service({ env: { A: '1', B: '2' }, secrets: { KEY: { secret_id, version: 1, as: 'file' }, VAR: { secret_id } } });
    await gateway.succeed(id);
    const at = (part: string) => `/v1/docker-services/${id}/${part}`;
    expect((await gateway.call('GET', at('env'))).body.items).toEqual([{ name: 'A', source: 'own', value: '1' }, { name: 'B', source: 'own', value: '2' }, { name: 'VAR', source: 'secret', value: null }]);
    const waiting = await gateway.call('PATCH', at('env?apply=next_deploy'), { B: null, C: '3' });
    expect([waiting.status, waiting.body.release, waiting.body.postponed, waiting.body.env]).toEqual([200, 1, true, { A: '1', B: '2' }]);
    expect((await gateway.call('GET', at('events?limit=200'))).body.items.at(-1).type).toBe('ReleasePostponed');
    const put = await gateway.call('PUT', at('secrets'), { KEY: { secret_id } });
    expect([put.status, put.body.release, put.body.postponed, put.body.env, put.body.secrets]).toEqual([202, 2, false, { A: '1', C: '3' }, { KEY: { secret_id, version: 1, latest: true, as: 'env' } }]);
    await gateway.succeed(id);
    expect((await gateway.call('PUT', at('env?apply=next_deploy'), { ONLY: 'x' })).body.postponed).toBe(true);
    expect((await gateway.call('PUT', at('env?apply=next_deploy'), { A: '1', C: '3' })).body.postponed).toBe(false);
    expect((await gateway.call('PUT', at('configs'), { items: [{ path: '/etc/app', content: 'x' }] })).body).toMatchObject({ release: 3, configs: [{ path: '/etc/app', content: 'x', mode: '0444' }] });
    expect((await gateway.call('GET', at('configs'))).body.items).toHaveLength(1);
    expect(errorsOf(await gateway.call('PUT', at('configs'), {}))).toEqual([['/items', 'required']]);
    expect(errorsOf(await gateway.call('PATCH', at('env'), { C: 5 }))).toEqual([['/env/C', 'type']]);
    await gateway.call('PATCH', at('env?apply=next_deploy'), { LATE: '1' });
    await gateway.succeed(id);
    const deployed = await gateway.call('POST', at('deployments'), {});
    expect([deployed.status, deployed.body.to_release]).toEqual([202, 4]);
    expect((await gateway.call('GET', `/v1/docker-services/${id}`)).body).toMatchObject({ release: 4, postponed: false, env: { A: '1', C: '3', LATE: '1' } });
  });

  it('that are gone by the time that a request is sent again are asked for by nobody: what it did before stands', async () => {
    const { body: { secret_id } } = await keep('passing');
    const asked = { environment_id, image: 'myorg/api:v1', replicas: 0, secrets: { KEY: { secret_id } } };
    const first = await gateway.call('POST', '/v1/docker-services', asked, key('passing'));
    // As one that was about to be deleted just then.
    const metadata = { commandId: randomCommandId(), tenantId: project_id, actor: { type: 'token', id: 'tok_spec' }, originId: null, now: 0, correlationId: 'spec', causationId: null } as const;
    await gateway.app.get(Dispatcher).send(new ToSecret(secret_id, { type: 'DeleteSecret', data: {} }, metadata));
    const again = await gateway.call('POST', '/v1/docker-services', asked, key('passing'));
    expect([again.status, again.body.docker_service_id, again.body.deployment_id]).toEqual([202, first.body.docker_service_id, first.body.deployment_id]);
    expect((await gateway.call('POST', '/v1/docker-services', { ...asked, replicas: 1 }, key('passing'))).body.code).toBe('idempotency.key_reused');
    expect((await gateway.call('POST', '/v1/docker-services', asked)).body.code).toBe('secret.unknown');
  });

  it('are deleted for good, and answered so again', async () => {
    const { body: { secret_id } } = await keep('deleted');
    expect((await gateway.call('DELETE', `/v1/secrets/${secret_id}`, undefined, key('d1'))).status).toBe(204);
    expect((await gateway.call('DELETE', `/v1/secrets/${secret_id}`, undefined, key('d1'))).status).toBe(204);
    expect((await gateway.call('DELETE', `/v1/secrets/${secret_id}`)).status).toBe(404);
    expect((await gateway.call('PUT', `/v1/secrets/${secret_id}`, { value: 'x' })).status).toBe(404);
    expect((await keep('deleted')).status).toBe(201);
  });

  it('of which configs give their content back, of any version', async () => {
    const { body: { config_id, ...made } } = await gateway.call('POST', '/v1/configs', { project_id, name: 'app', content: 'a: 1' });
    expect(made).toMatchObject({ content: 'a: 1', version: 1 });
    expect((await gateway.call('PUT', `/v1/configs/${config_id}`, { content: '' })).body).toMatchObject({ content: '', version: 2 });
    expect((await gateway.call('GET', `/v1/configs/${config_id}?version=1`)).body.content).toBe('a: 1');
    expect(errorsOf(await gateway.call('GET', `/v1/configs/${config_id}?version=3`))).toEqual([['?version', 'out_of_range']]);
    expect((await gateway.call('GET', '/v1/configs')).body.items[0]).toMatchObject({ name: 'app', content: null });
    expect((await gateway.call('GET', `/v1/secrets/${config_id}`)).status).toBe(404);
  });

  it('of which configs give back what they held at an instant: the version that is asked for, and none that came later', async () => {
    const { body: { config_id } } = await gateway.call('POST', '/v1/configs', { project_id, name: 'app-at', content: 'one' });
    const { body: { updated_at } } = await gateway.call('PUT', `/v1/configs/${config_id}`, { content: 'two' });
    await gateway.call('PUT', `/v1/configs/${config_id}`, { content: 'three' });
    const then = (query = '') => gateway.call('GET', `/v1/configs/${config_id}?at=${updated_at}${query}`);
    expect([(await then()).body.content, (await then('&version=1')).body.content]).toEqual(['two', 'one']);
    expect(errorsOf(await then('&version=3'))).toEqual([['?version', 'out_of_range']]);
  });

  it('of which one is deleted while it is being read is not there: nothing was wrong with the request', async () => {
    const { body: { config_id } } = await gateway.call('POST', '/v1/configs', { project_id, name: 'app-gone', content: 'one' });
    const metadata = { commandId: randomCommandId(), tenantId: project_id, actor: { type: 'token', id: 'tok_spec' }, originId: null, now: 0, correlationId: 'spec', causationId: null } as const;
    const [read] = await Promise.all([gateway.call('GET', `/v1/configs/${config_id}`), gateway.app.get(Dispatcher).send(new ToConfig(config_id, { type: 'DeleteConfig', data: {} }, metadata))]);
    expect([200, 404]).toContain(read.status);
    expect((await gateway.call('GET', `/v1/configs/${config_id}`)).body).toMatchObject({ status: 404, code: 'config.not_found' });
  });

  it('that were deleted since a job ended are asked for by no run of it: that is refused at once', async () => {
    const { body: { secret_id } } = await keep('job');
    const { body: { job_id } } = await gateway.call('POST', '/v1/jobs', { environment_id, image: 'myorg/api:v1', secrets: { KEY: { secret_id } } });
    expect((await gateway.call('DELETE', `/v1/secrets/${secret_id}`)).body.facts.used_by).toEqual([{ type: 'job', id: job_id, name: expect.any(String) }]);
    const metadata = { commandId: randomCommandId(), tenantId: project_id, actor: { type: 'token', id: 'tok_spec' }, originId: null, now: 0, correlationId: 'spec', causationId: null } as const;
    await gateway.app.get(Dispatcher).send(new ToSecret(secret_id, { type: 'DeleteSecret', data: {} }, metadata));
    const again = await gateway.call('POST', `/v1/jobs/${job_id}/run`);
    expect([again.status, again.body.code, errorsOf(again)]).toEqual([422, 'secret.unknown', [['/secrets/KEY/secret_id', 'secret.unknown']]]);
  });

  it('are deleted while their values can’t be reached, too: what is left of those is nobody’s, and swept away', async () => {
    const { body: { secret_id } } = await keep('unreachable');
    const { vault } = gateway.app.get(Gateway).parts;
    const forget = vault.forgetAll.bind(vault);
    vault.forgetAll = () => Promise.reject(new Transient('value_store.unavailable', 'it is down'));
    const remove = () => gateway.call('DELETE', `/v1/secrets/${secret_id}`, undefined, key('unreachable-2'));
    const gone = [await remove(), await remove()];
    vault.forgetAll = forget;
    expect(gone.map(({ status }) => status)).toEqual([204, 204]);
    expect((await gateway.call('GET', `/v1/secrets/${secret_id}`)).status).toBe(404);
    const left: string[] = [];
    for await (const { id } of vault.kept()) left.push(id);
    expect(left).toContain(secret_id);
    expect((await keep('unreachable')).status).toBe(201);
  });

  it('are missed by what waits for the next deployment', async () => {
    const { body: { secret_id } } = await keep('waits');
    const { body: { docker_service_id: id, name } } = await service({ env: { URL: 'redis://:hunter2@cache' } });
    await gateway.succeed(id);
    await gateway.call('PATCH', `/v1/docker-services/${id}/secrets?apply=next_deploy`, { KEY: { secret_id } });
    const refused = await gateway.call('DELETE', `/v1/secrets/${secret_id}`);
    expect([refused.status, refused.body.code, refused.body.facts?.used_by]).toEqual([409, 'secret.in_use', [{ type: 'docker_service', id, name }]]);
    const shown = await gateway.call('PATCH', `/v1/docker-services/${id}/secrets?apply=next_deploy`, { KEY: null });
    expect([shown.body.postponed, shown.body.warnings.map(({ code }: Json) => code)]).toEqual([false, ['env_password']]);
    expect((await gateway.call('DELETE', `/v1/secrets/${secret_id}`)).status).toBe(204);
  });
});
