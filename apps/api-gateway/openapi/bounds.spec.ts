import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';
import { describe as describeRoutes } from './openapi.ts';

/** A body that has every part in which a number stands, so that each can be given a wrong one. */
const SERVICE = {
  image: 'nginx:1.27',
  ports: [{ container_port: 80 }],
  replicas: 0,
  resources: { request: { cpu_millis: 100, memory_bytes: 2 ** 27 }, limit: { cpu_millis: 100, memory_bytes: 2 ** 27 } },
  restart_policy: { name: 'on-failure' },
  healthcheck: { type: 'http', path: '/', port: 80 },
  deploy: { pre_deploy: { script: 'true' }, post_deploy: { script: 'true' } },
};
const JOB = { image: 'busybox' };

describe('numbers of a body', () => {
  let gateway: GatewayUnderTest;
  let schemas: Json;
  let environment_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    schemas = describeRoutes(gateway.app).components?.schemas;
    environment_id = await gateway.environmentId();
  });
  afterAll(() => gateway.close());

  it('each say their least and their most', () => {
    const bare = Object.keys(schemas)
      .filter((name) => name.endsWith('Dto'))
      .flatMap((name) => numbersOf(schemas, name).map(({ path, minimum, maximum }) => ({ at: `${name}/${path.join('/')}`, minimum, maximum })))
      .filter(({ minimum, maximum }) => minimum === undefined || maximum === undefined);
    // Which releases there are, only the service knows.
    expect(bare.map(({ at }) => at)).toEqual(['RollBackDto/release']);
  });

  it.each([
    ['/v1/docker-services', 'CreateDockerServiceDto', SERVICE],
    ['/v1/jobs', 'JobDto', JOB],
  ])('POST %s refuses what is beyond them, and names the field and the bounds', async (path, name, body) => {
    const numbers = numbersOf(schemas, name).filter((each) => fits(body, each.path));
    expect(numbers.length).toBeGreaterThan(1);
    for (const { path: at, minimum, maximum } of numbers) {
      for (const beyond of [minimum! - 1, maximum! + 1]) {
        const answer = await gateway.call('POST', path, { environment_id, ...given(body, at, beyond) });
        expect({ at, status: answer.status, errors: answer.body.errors }).toEqual({
          at,
          status: 422,
          errors: expect.arrayContaining([expect.objectContaining({ pointer: `/${at.join('/')}`, detail: expect.stringMatching(new RegExp(`from ${minimum} to ${maximum}`)) })]),
        });
      }
    }
  });
});

interface Bounded {
  readonly path: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every whole number in a schema, `path` from its root; of a list its first item. */
function numbersOf(schemas: Json, name: string): Bounded[] {
  return Object.entries<Json>(schemas[name].properties ?? {}).flatMap(([field, property]): Bounded[] => {
    const ways = waysOf(property);
    const number = ways.find(({ type }) => type?.includes('integer'));
    if (number) return [{ ...number, path: [field] }];
    const inner = ways.map(({ $ref, items }) => $ref ?? items?.$ref).find(Boolean);
    if (!inner) return [];
    return numbersOf(schemas, inner.split('/').at(-1)).map((each) => ({ ...each, path: [field, ...(property.items ? [0] : []), ...each.path] }));
  });
}

/** All that a value may be: null is one of them where it may be left out. */
const waysOf = (schema: Json): Json[] => [schema, ...['anyOf', 'oneOf', 'allOf'].flatMap((word) => (schema[word] ?? []).flatMap(waysOf))];

/** Whether the body has a place for it. The short form of resources has none beside the long one. */
const fits = (body: Json, path: Bounded['path']): boolean => path.at(-2) !== 'resources' && path.slice(0, -1).reduce<Json>((at, key) => at?.[key], body) !== undefined;

/** The body with one value in place of what stands there. */
function given(body: Json, path: Bounded['path'], value: number): Json {
  const [key, ...rest] = path;
  const inner = rest.length ? given(body[key!], rest, value) : value;
  return Array.isArray(body) ? body.map((item, i) => (i === key ? inner : item)) : { ...body, [key!]: inner };
}
