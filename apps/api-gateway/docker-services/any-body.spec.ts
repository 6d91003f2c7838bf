import * as fc from 'fast-check';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { describe as describeRoutes } from '../openapi/openapi.ts';
import { GatewayUnderTest, type Json } from '../under-test.ts';

/** Texts that somebody else's parser stumbles over, among those that fast-check thinks of itself. */
const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', ' ', '\u0000', 'a\u0000b', '\ud800', '\u202e', '../..', '/', '$(id)', '`id`', '%00', '__proto__', 'constructor', 'latest', '100%', '0x10', '1e3', 'null', 'x'.repeat(5_000), '/data', '/etc/app', '0444', 'node.name==x', 'nginx:1', 'a'.repeat(64)),
);
const number = fc.oneof(fc.integer(), fc.constantFrom(0, -0, -1, 0.5, 1, 80, 65_535, 65_536, 2 ** 31, 2 ** 53, 1e308, 1e-300), fc.integer({ min: 1, max: 100_000 }));
const anything: fc.Arbitrary<unknown> = fc.oneof(fc.constant(null), fc.boolean(), number, odd, fc.jsonValue({ maxDepth: 3 }), fc.array(odd, { maxLength: 3 }), fc.dictionary(odd, odd, { maxKeys: 3 }));

/** Bodies after a schema of the description: mostly of the right shape, each part sometimes of any other. */
function after(schemas: Json, schema: Json, depth = 0): fc.Arbitrary<unknown> {
  const inner = (part: Json) => (depth > 5 ? anything : after(schemas, part, depth + 1));
  const reference = schema?.$ref ?? schema?.allOf?.[0]?.$ref;
  const right = (): fc.Arbitrary<unknown> => {
    if (reference) return inner(schemas[reference.split('/').at(-1)]);
    const choices = choicesOf(schema);
    if (choices) return fc.oneof(...choices.map(inner));
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.type === 'integer' || schema.type === 'number') return fc.oneof(number, fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000_000 }));
    if (schema.type === 'boolean') return fc.boolean();
    if (schema.type === 'array') return fc.array(inner(schema.items ?? {}), { maxLength: 3 });
    if (schema.properties) {
      const entries = Object.entries<Json>(schema.properties).map(([name, part]) => [name, inner(part)] as const);
      return fc.record(Object.fromEntries(entries), { requiredKeys: (schema.required ?? []).filter((name: string) => name in schema.properties) });
    }
    if (schema.type === 'object') return fc.dictionary(fc.oneof(odd, fc.constantFrom('KEY', 'team', 'A_B')), inner(typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}), { maxKeys: 3 });
    return odd;
  };
  return fc.oneof({ arbitrary: right(), weight: 12 }, { arbitrary: anything, weight: 1 });
}

/** What it may be, where that is one of several. */
const choicesOf = ({ type, ...schema }: Json): Json[] | undefined =>
  Array.isArray(type) ? type.map((each: string) => (each === 'null' ? { enum: [null] } : { ...schema, type: each })) : (schema.oneOf ?? schema.anyOf);

describe('any body after the description', () => {
  let gateway: GatewayUnderTest;
  let schemas: Json;
  let environment_id: string;
  const logger = new MemoryLogger();
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger });
    await gateway.register('any');
    schemas = describeRoutes(gateway.app).components?.schemas;
    environment_id = await gateway.environmentId();
  });
  afterAll(() => gateway.close());

  it.each([
    ['POST', '/v1/docker-services', 'CreateDockerServiceDto', 250],
    ['POST', '/v1/jobs', 'JobDto', 120],
    ['PATCH', 'the service', 'CreateDockerServiceDto', 120],
    ['POST', 'its deployments', 'DeployDockerServiceDto', 80],
    ['POST', 'the tokens', 'IssueTokenDto', 60],
  ])('is taken or refused by name, and breaks nothing: %s %s', async (method, path, name, numRuns) => {
    const { project_id } = (await gateway.call('GET', `/v1/environments/${environment_id}`)).body;
    const { docker_service_id } = (await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0 })).body;
    const paths: Record<string, string> = { 'the service': `/v1/docker-services/${docker_service_id}`, 'its deployments': `/v1/docker-services/${docker_service_id}/deployments`, 'the tokens': `/v1/projects/${project_id}/tokens` };
    const place = method === 'POST' && path.startsWith('/v1/') ? { environment_id, image: 'nginx:1' } : {};
    await fc.assert(
      fc.asyncProperty(after(schemas, schemas[name]), fc.boolean(), async (body, isPlaced) => {
        const sent = isPlaced && typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body, ...place } : body;
        const answer = await gateway.call(method, paths[path] ?? path, sent);
        if (answer.status >= 500) throw new Error((logger.entries.findLast(({ level }) => level === 'error')?.fields['error'] as Error).stack);
        if (answer.status < 300) return;
        expect(answer.headers['content-type']).toContain('application/problem+json');
        expect(answer.body).toMatchObject({ code: expect.any(String), detail: expect.any(String) });
        if (answer.status === 422 && answer.body.code.endsWith('.invalid')) expect(answer.body.errors.length).toBeGreaterThan(0);
        for (const { pointer } of answer.body.errors ?? []) expect(pointer).toMatch(/^([/?].*)?$/s);
      }),
      { numRuns },
    );
    expect(logger.entries.filter(({ level }) => level === 'error').splice(0).map(({ fields }) => (fields['error'] as Error).stack)).toEqual([]);
  }, 120_000);
});
