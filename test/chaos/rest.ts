import type { Doc, World } from '../e2e/world.ts';
import type { Client, ServiceInBook } from './client.ts';
import type { RollCall } from './roll-call.ts';
import { containersOf, type LiveContainer } from './witness.ts';

/** Where an installation isn't yet what its client's book says, by the gateways and by the engine itself; none: converged. */
export async function unrest(world: World, client: Client, gateways: readonly string[]): Promise<string[]> {
  const containers = await containersOf(world.engine);
  const known = new Set(client.services.map(({ id }) => id));
  const strange = containers.filter(({ ownerId }) => !known.has(ownerId));
  return [
    ...client.services.flatMap((service) => wrongContainers(service, containers)),
    ...(await wrongAnswers(world, client, gateways)),
    ...(await openJobs(world, client, gateways[0]!)),
    ...strange.map(({ id, ownerId, ownerType, state }) => `container ${id.slice(0, 12)} (${state}) of ${ownerType} ${ownerId} is left over`),
  ];
}

function wrongContainers({ id, name, replicas, deleted }: ServiceInBook, containers: readonly LiveContainer[]): string[] {
  const wanted = deleted ? [] : Array.from({ length: replicas }, (_, index) => `${index + 1} running`);
  const found = containers.filter(({ ownerId }) => ownerId === id).sort((a, b) => a.slot - b.slot).map(({ slot, state }) => `${slot} ${state}`);
  return String(found) === String(wanted) ? [] : [`${name} (${id}) has slots [${found}] instead of [${wanted}]`];
}

async function wrongAnswers(world: World, client: Client, gateways: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const { id, name, replicas, deleted } of client.services) {
    const due = deleted ? 'DELETED' : `ACTIVE ${replicas ? 'RUNNING' : null} with ${replicas} of ${replicas}`;
    for (const gateway of gateways) {
      const { lifecycle, status, replicas: counts } = await read(world, gateway, `/v1/docker-services/${id}`);
      const said = lifecycle === 'DELETED' ? lifecycle : `${lifecycle} ${status} with ${counts.running} of ${counts.desired}`;
      if (said !== due) found.push(`${gateway} says of ${name} (${id}): ${said}, and ${due} is due`);
    }
  }
  return found;
}

async function openJobs(world: World, client: Client, gateway: string): Promise<string[]> {
  const found: string[] = [];
  for (const { id, key } of client.jobs) {
    const { status } = await read(world, gateway, `/v1/jobs/${id}`);
    if (status === 'PENDING' || status === 'RUNNING') found.push(`${key} (${id}) is still ${status}`);
  }
  return found;
}

/** A job that was started, or ended, at the moment when its engine was killed: what became of it nobody can say, and so Waybill says. */
const ENGINE_DOES_NOT_KNOW = /lost track of it in the middle of its start|away at the end and does not know/;

/** Jobs whose end isn't what their containers themselves have told. */
export async function untrueJobs(world: World, client: Client, rollCall: RollCall): Promise<string[]> {
  const found: string[] = [];
  for (const { id, key, exitCode } of client.jobs) {
    const [began = 0, ended = 0] = ['began', 'ended'].map((call) => rollCall.calls.get(`${call} ${key}`));
    const { status, exit_code: said, status_reason: reason } = await read(world, 'api-gateway', `/v1/jobs/${id}`);
    const story = `${key} (${id}) is ${status} with exit code ${said} (${JSON.stringify(reason)}); it began ${began} and ended ${ended} times`;
    if (began <= 1 && status === 'FAILED' && ENGINE_DOES_NOT_KNOW.test(reason.message)) continue;
    if (began !== 1 || ended !== 1) found.push(story);
    else if (status !== (exitCode === 0 ? 'SUCCEEDED' : 'FAILED') || said !== exitCode) found.push(`${story}, with ${exitCode}`);
  }
  return found;
}

/** Everything that a gateway says, page by page, without what no event can know. */
export async function everyAnswer(world: World, gateway: string, client: Client): Promise<string[]> {
  const paths = [
    ...['docker-services', 'nodes', 'projects', 'environments', 'plans', 'jobs', 'audit'].map((list) => `/v1/${list}`),
    ...client.services.flatMap(({ id }) => ['', '/replicas', '/deployments'].map((more) => `/v1/docker-services/${id}${more}`)),
    ...client.jobs.map(({ id }) => `/v1/jobs/${id}`),
  ];
  const answers: string[] = [];
  for (const path of paths) {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer: Doc = await read(world, gateway, `${path}${isList(path) ? `?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}` : ''}`);
      answers.push(`${path} ${JSON.stringify(answer, (key, value) => (key === 'last_heard_at' || key === 'next_cursor' ? undefined : value))}`);
      cursor = answer.next_cursor ?? null;
    }
  }
  return answers;
}

/** Builds every view anew from the log, and waits until reads have been flipped over to it. */
export async function rebuildViews(world: World): Promise<void> {
  const before: Doc[] = (await world.get('/v1/projections')).items;
  for (const { name } of before) await world.post(`/v1/projections/${name}/rebuild`);
  await world.eventually('every view is rebuilt', async () => {
    const now: Doc[] = (await world.get('/v1/projections')).items;
    return now.every(({ name, version, rebuilding }) => !rebuilding && version > before.find((each) => each.name === name).version);
  });
}

const isList = (path: string): boolean => !/\/(svc|job)_[^/]*$/.test(path);

async function read(world: World, gateway: string, path: string): Promise<Doc> {
  const answer = await world.call('GET', path, undefined, {}, gateway);
  if (answer.status !== 200) throw new Error(`${gateway}: GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
