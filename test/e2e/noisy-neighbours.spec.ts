import { setTimeout as pause } from 'node:timers/promises';
import { type Doc, World } from './world.ts';

/** A second, of one token; ten times as many at once. */
const RATE = 20;
const READS = 100;
const LOOPS = 16;
/** So many times its own p99 without a flood may be what a neighbour has with one. */
const BOUND = 20;
/** Whoever else uses this machine is no neighbour of Waybill's: the best of so many rounds counts. */
const ROUNDS = 3;

interface Tenant {
  readonly project_id: string;
  readonly environment_id: string;
}

interface Told {
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: string | null;
  readonly code: string | undefined;
}

describe('noisy neighbours', () => {
  let world: World;
  let loud: Tenant;
  let quiet: Tenant;
  beforeAll(async () => {
    world = await World.start({ env: { WAYBILL_REQUESTS_PER_TOKEN: String(RATE) } });
    [loud, quiet] = [await tenant('loud'), await tenant('quiet')];
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  async function tenant(name: string): Promise<Tenant> {
    const { project_id } = await world.post('/v1/projects', { name });
    const { environment_id } = (await world.get(`/v1/projects/${project_id}/environments`)).items[0];
    return { project_id, environment_id };
  }
  const issue = async ({ project_id }: Tenant): Promise<string> => (await world.post(`/v1/projects/${project_id}/tokens`, { name: 'noise', role: 'viewer', expires_in_ms: 3_600_000 })).token;
  const ask = async (token: string, path: string): Promise<Told> => {
    const began = performance.now();
    const { status, headers, body } = await world.call('GET', path, undefined, { authorization: `Bearer ${token}` });
    return { status, ms: performance.now() - began, retryAfter: headers.get('retry-after'), code: (body as Doc).code };
  };
  const readAll = async (token: string): Promise<Told[]> => {
    const told: Told[] = [];
    for (let each = 0; each < READS; each += 1) told.push(await ask(token, `/v1/environments/${quiet.environment_id}`));
    return told;
  };
  /** From many places at once, whatever it answers. */
  const flood = (token: string, path: string, told: Told[], until: AbortSignal): Promise<unknown> =>
    Promise.all(Array.from({ length: LOOPS }, async () => {
      while (!until.aborted) {
        told.push(await ask(token, path));
        await pause(5);
      }
    }));

  it.each<[string, () => string]>([
    ['small reads', () => `/v1/environments/${loud.environment_id}`],
    ['pages of the audit', () => '/v1/audit?limit=100'],
    ['looks at the whole chain', () => '/v1/audit/verify'],
  ])('that flood with %s are refused beyond their rate, and slow nobody down by more than a bound', async (_, path) => {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS && !ratios.some((ratio) => ratio <= BOUND); round += 1) {
      const [a, b] = [await issue(loud), await issue(quiet)];
      const alone = await readAll(b);
      const [flooded, over]: [Told[], AbortController] = [[], new AbortController()];
      const flooding = flood(a, path(), flooded, over.signal);
      await world.eventually('the flood is beyond its rate', async () => flooded.some(({ status }) => status === 429));
      const beside = await readAll(b);
      over.abort();
      await flooding;

      expect([...alone, ...beside].filter(({ status }) => status !== 200)).toEqual([]);
      const refused = flooded.filter(({ status }) => status === 429);
      expect(refused.filter(({ retryAfter, code }) => !(Number(retryAfter) >= 1) || code !== 'request.rate_limited')).toEqual([]);
      expect(flooded.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
      ratios.push(p99(beside) / p99(alone));
    }
    expect(Math.min(...ratios)).toBeLessThanOrEqual(BOUND);
  }, 120_000);
});

const p99 = (told: readonly Told[]): number => told.map(({ ms }) => ms).sort((a, b) => a - b)[Math.ceil(told.length * 0.99) - 1]!;
