import { Validator } from '@seriousme/openapi-schema-validator';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, TOKEN, type Json } from '../under-test.ts';

describe('the description', () => {
  let gateway: GatewayUnderTest;
  let document: Json;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    document = (await gateway.call('GET', '/openapi.json')).body;
  }, 30_000);
  afterAll(() => gateway.close());

  const operations = (): [string, Json][] => Object.entries<Json>(document.paths).flatMap(([path, item]) => Object.entries<Json>(item).map(([verb, operation]): [string, Json] => [`${verb} ${path}`, operation]));

  it('is a valid document of OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document);
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1']);
  }, 30_000);

  it('says of every operation what it does, what it answers, and how it refuses', () => {
    const flaws = operations().flatMap(([name, { summary, responses }]) => {
      const good = Object.entries<Json>(responses).filter(([status]) => /^2\d\d$/.test(status));
      const bare = good.filter(([status, { content }]) => (status === '204') !== (content === undefined));
      const refuses = responses.default?.content?.['application/problem+json']?.schema?.$ref === '#/components/schemas/Problem';
      return summary && good.length > 0 && bare.length === 0 && refuses ? [] : [name];
    });
    expect(flaws).toEqual([]);
  });

  it('leads to what there is, and leaves nothing open in a body', () => {
    const text = JSON.stringify(document);
    const schemas: Json = document.components.schemas;
    expect([...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!).filter((name) => !(name in schemas))).toEqual([]);
    expect(Object.keys(schemas).filter((name) => name.endsWith('Dto') && schemas[name].additionalProperties !== false)).toEqual([]);
  });

  it.each([
    ['null in place of a body', 'null', ''],
    ['a list', '[]', ''],
    ['what no schema names', '{"nam":1}', '/nam'],
  ])('and the gateway refuses %s as the description does', async (_, payload, pointer) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const answer = await gateway.app.inject({ method: 'POST', url: '/v1/projections/services/rebuild', headers, payload });
    expect([answer.statusCode, JSON.parse(answer.body).errors?.[0]?.pointer]).toEqual([422, pointer]);
  });
});
