import { join } from 'node:path';
import { schemathesis, schemathesisProgram, type Asked, type Ids } from '../schemathesis/run.ts';
import { furnished, newProject } from './furnished.ts';
import { MATRIX, type Things } from './isolation-matrix.ts';
import { World } from './world.ts';

const program = await schemathesisProgram();
if ('missing' in program) process.stderr.write(`\nSKIPPED: the API was not asked what its description promises. ${program.missing}\n\n`);

/** Not among them: `positive_data_acceptance`, since what is well-formed may still be refused for what there is (a name that is taken, a node that is
 *  full), with the same 422 or 409 as what is malformed; `use_after_free`, since a service that is deleted is shown until its containers are gone,
 *  and after; `unsupported_method`, since what there isn't is 404 whatever the verb. */
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance', 'response_schema_conformance', 'negative_data_rejection'];
/** Their bodies hold whole containers. The bounds of each number in there are `bounds.spec.ts`'s, what is hostile `hostile.spec.ts`'s. */
const WIDE = ['POST /v1/docker-services', 'POST /v1/docker-services/preview', 'PATCH /v1/docker-services/{docker_service_id}', 'POST /v1/docker-services/{docker_service_id}/preview', 'POST /v1/docker-services/{docker_service_id}/deployments', 'POST /v1/jobs', 'POST /v1/schedules', 'PATCH /v1/schedules/{schedule_id}'];
const OPERATIONS = Object.keys(MATRIX).length;

/** One id of each kind that a body or path may name. A plan's name is no id, and is a name of something else elsewhere. */
const idsOf = ({ name: _, ...things }: Things): Ids => Object.fromEntries(Object.entries(things).map(([field, id]) => [field, [id]]));

(('missing' in program ? describe.skip : describe) as typeof describe)(`every operation${'missing' in program ? ` (NOT tried: ${program.missing})` : ''}`, () => {
  let world: World;
  let asked: Omit<Asked, 'token' | 'examples' | 'folder' | 'phases'>;
  let owners: string;

  beforeAll(async () => {
    // It asks faster than a tenant may.
    world = await World.start({ env: { WAYBILL_REQUESTS_PER_TOKEN: '0', WAYBILL_REQUESTS_PER_ADDRESS: '0' } });
    const mine = await furnished(world, await newProject(world, 'asked'), 'asked');
    // What all stand on isn't deleted: these are of nothing.
    const spare = { ...(await furnished(world, await newProject(world, 'spare'), 'spare')), node_id: `node_${'a'.repeat(26)}`, origin_id: `ori_${'a'.repeat(26)}` };
    owners = (await world.post(`/v1/projects/${mine['project_id']}/tokens`, { name: 'asking', role: 'owner', expires_in_ms: 3_600_000 })).token;
    const { python } = program as { python: string };
    asked = { python, url: world.installation.url, there: idsOf(mine), spare: idsOf(spare), checks: CHECKS, wide: WIDE };
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  const found = async (name: string, how: Pick<Asked, 'token' | 'examples' | 'phases'>) => {
    const outcome = await schemathesis({ ...asked, ...how, folder: join(world.home, name) });
    if (outcome.code !== 0) throw new Error(outcome.told);
    return outcome;
  };

  it('answers an operator as its description says, whatever it is asked', async () => {
    const { operations, requests } = await found('operator', { token: world.installation.token, examples: 10, phases: 'examples,coverage,fuzzing' });
    expect(operations).toBe(OPERATIONS);
    expect(requests).toBeGreaterThan(10 * OPERATIONS);
  }, 450_000);

  it('answers an owner so, too', async () => {
    expect((await found('owner', { token: owners, examples: 6, phases: 'fuzzing' })).operations).toBe(OPERATIONS);
  }, 450_000);

  it('answers so whoever brings no token', async () => {
    expect((await found('nobody', { token: null, examples: 2, phases: 'fuzzing' })).operations).toBe(OPERATIONS);
  }, 450_000);

  it('and the platform stands after it, and can say that its log is whole', async () => {
    expect((await world.call('GET', '/readyz')).status).toBe(200);
    expect((await world.get('/v1/audit/verify')).valid).toBe(true);
    const { environment_id } = await newProject(world, 'after');
    const [{ node_id }] = (await world.get('/v1/nodes')).items;
    await world.post(`/v1/nodes/${node_id}/activate`);
    // What it made may have taken all the room.
    for (const { docker_service_id: id } of (await world.get('/v1/docker-services?limit=500')).items) await world.call('DELETE', `/v1/docker-services/${id}`);
    for (const { job_id: id } of (await world.get('/v1/jobs?limit=500')).items) await world.call('POST', `/v1/jobs/${id}/cancel`);
    const { docker_service_id } = await world.createService({ environment_id, name: 'after' });
    await world.running(docker_service_id, 1);
  }, 90_000);
});
