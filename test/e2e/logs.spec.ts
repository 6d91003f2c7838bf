import { readFileSync } from 'node:fs';
import { type Doc, IMAGE, SLEEP, World } from './world.ts';

/** Says its name and a number, ten times a second. */
const COUNTS = ['/bin/sh', '-c', 'trap "exit 0" TERM; i=0; while :; do echo "$HOSTNAME $i"; i=$((i+1)); sleep 0.1; done'];

interface Said {
  readonly id: string | null;
  readonly data: Doc;
}

/** A client that follows output until it has enough, or until its answer ends. */
async function follow(world: World, path: string, enough: (said: readonly Said[]) => boolean, headers: Record<string, string> = {}): Promise<Said[]> {
  const accept = headers['accept'] ?? 'text/event-stream';
  const said: Said[] = [];
  for await (const part of world.stream(path, { ...headers, accept }, (head) => expect(head.headers.get('content-type')).toContain(accept))) {
    if (accept !== 'text/event-stream') said.push({ id: null, data: JSON.parse(part) });
    else said.push({ id: /^id: (.*)$/m.exec(part)?.[1] ?? null, data: JSON.parse(/^data: (.*)$/m.exec(part)![1]!) });
    if (enough(said)) break;
  }
  return said;
}

const lines = (said: readonly Said[]): Doc[] => said.map(({ data }) => data).filter(({ kind }) => kind !== 'notice');
const notices = (said: readonly Said[]): string[] => said.map(({ data }) => data).filter(({ kind }) => kind === 'notice').map(({ code }) => code);
const numberOf = ({ line }: Doc): number => Number(line.split(' ')[1]);
const oneByOne = (numbers: readonly number[]): number[] => numbers.map((_, i) => numbers[0]! + i);

describe('output', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const runJob = async (script: string): Promise<Doc> => {
    const job = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', command: ['/bin/sh', '-c', script], timeout_ms: 120_000 });
    let last: Doc = job;
    const hasEnded = async () => !['PENDING', 'RUNNING'].includes((last = await world.get(`/v1/jobs/${job.job_id}`)).status);
    await world.eventually('the job has ended', hasEnded, 90_000, () => JSON.stringify(last));
    return last;
  };

  it('is followed as it comes, and gone on with by its id: no line is missing or double, over a restart of the agent, too', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'counting', command: COUNTS });
    await world.running(id, 1);
    const path = `/v1/docker-services/${id}/logs`;
    await world.eventually('its last lines stand beside the replica', async () => (await world.get(`/v1/docker-services/${id}/replicas`)).items[0].last_log_lines.length === 20);
    const first = await follow(world, `${path}?tail=1`, (said) => said.length >= 15);
    const second = await follow(world, path, (said) => said.length >= 15, { 'last-event-id': first.at(-1)!.id! });
    let isKilled = false;
    const third = await follow(
      world,
      path,
      (said) => {
        if (said.length >= 5 && !isKilled) {
          isKilled = true;
          world.installation.part('node-agent').signal('SIGKILL');
        }
        return notices(said).includes('node_heard') && lines(said).length >= 60;
      },
      { 'last-event-id': second.at(-1)!.id! },
    );
    const numbers = [...first, ...second, ...lines(third).map((data) => ({ data }))].map(({ data }) => numberOf(data));
    expect(numbers).toEqual(oneByOne(numbers));
    expect(notices(third)).toEqual(['node_silent', 'node_heard']);
    await world.call('DELETE', `/v1/docker-services/${id}`);
  }, 120_000);

  it('of two replicas is one; replicas that are added join, and it ends with the service', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'several', command: COUNTS, replicas: 2 });
    await world.running(id, 2);
    const replicasIn = (said: readonly Said[]) => new Set(lines(said).map(({ replica_id }) => replica_id)).size;
    let asked = false;
    const said = await follow(world, `/v1/docker-services/${id}/logs?tail=all&follow=true`, (so) => {
      if (replicasIn(so) === 2 && !asked) {
        asked = true;
        void world.post(`/v1/docker-services/${id}/scale`, { replicas: 3 });
      }
      if (replicasIn(so) === 3 && asked && so.length > 0) {
        asked = false;
        void world.call('DELETE', `/v1/docker-services/${id}`);
      }
      return false;
    }, { accept: 'application/x-ndjson' });
    expect(replicasIn(said)).toBe(3);
    expect(notices(said)).toEqual(['end']);
    for (const each of new Set(lines(said).map(({ replica_id }) => replica_id))) {
      const own = lines(said).filter(({ replica_id }) => replica_id === each).map(numberOf);
      expect(own).toEqual(own.map((_, i) => i));
    }
    // What was written stays, though every container is gone.
    expect(await world.containers(id)).toEqual([]);
    const kept = await world.get(`/v1/docker-services/${id}/logs?tail=all`);
    expect(kept).toMatchObject({ cut: false, missing: [] });
    expect(kept.items).toHaveLength(lines(said).length);
    const ats = kept.items.map(({ at }: Doc) => at);
    expect(ats).toEqual([...ats].sort());
  }, 120_000);

  it('of a job, 20 MiB of it, is read whole while the gateway holds next to nothing of it', async () => {
    // A little more than 1 KiB a line, numbered.
    const job = await runJob(`s=$(head -c 1024 /dev/zero | tr "\\0" x); i=0; while [ $i -lt 20480 ]; do echo "$i $s"; i=$((i+1)); done`);
    expect(job).toMatchObject({ status: 'SUCCEEDED' });
    await world.eventually('its container is gone', async () => (await world.containers(job.job_id)).length === 0);
    const rss = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${world.installation.part('api-gateway').pid}/status`, 'utf8'))![1]) / 1024;
    const read = (async () => {
      let [next, bytes, peak] = [0, 0, 0];
      await follow(world, `/v1/jobs/${job.job_id}/logs?tail=all`, (said) => {
        for (const { data } of (said as Said[]).splice(0)) {
          if (data.kind === 'notice') continue;
          if (!data.line.startsWith(`${next} x`)) throw new Error(`${next} was expected: ${data.line.slice(0, 20)}`);
          next += 1;
          bytes += data.line.length + 1;
        }
        peak = Math.max(peak, rss());
        return false;
      }, { accept: 'application/x-ndjson' });
      return { next, bytes, peak };
    });
    await read(); // The first reading warms the process up: what it costs is not what the output costs.
    const before = rss();
    const { next, bytes, peak } = await read();
    expect(next).toBe(20_480);
    expect(bytes).toBeGreaterThan(20 * 2 ** 20);
    // All of it would be 20 MiB of lines three times over: as read, as answered, as written.
    expect(peak - before).toBeLessThan(60);
  }, 180_000);

  it('is narrowed down, and what can not be served is refused', async () => {
    const job = await runJob('echo one; sleep 0.3; echo two >&2; sleep 1.5; echo three; head -c 100000 /dev/zero | tr "\\0" y');
    const path = `/v1/jobs/${job.job_id}/logs`;
    const texts = async (query: string) => (await world.get(`${path}?${query}`)).items.map(({ line }: Doc) => line.slice(0, 5));
    expect(await texts('tail=all&stream=stderr')).toEqual(['two']);
    const all = (await world.get(`${path}?tail=all`)).items;
    expect(all.map(({ line, more }: Doc) => [line.length, more ?? false]).slice(-2)).toEqual([[65_536, true], [34_464, false]]);
    expect(await texts(`since=${all[2].at}`)).toEqual(['three', 'yyyyy', 'yyyyy']);
    expect(await texts(`until=${all[1].at}`)).toEqual(['one', 'two']);
    expect(await texts('tail=1')).toEqual(['yyyyy']);
    for (const [query, pointer] of [['follow=true&format=json', '?follow'], ['follow=true&until=2026-01-01T00:00:00Z', '?until'], ['tail=-1', '?tail'], ['since=yesterday', '?since'], ['format=xml', '?format']] as const) {
      const answer = await world.call('GET', `${path}?${query}`);
      expect([answer.status, answer.body.errors?.map((each: Doc) => each.pointer)]).toEqual([422, [pointer]]);
    }
    expect((await world.call('GET', path, undefined, { 'last-event-id': 'nonsense' })).body.code).toBe('logs.cursor_invalid');
  }, 120_000);

  it('is not there while the only node that keeps it is silent, and that is said', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'quiet', command: SLEEP });
    await world.running(id, 1);
    expect(await world.get(`/v1/docker-services/${id}/logs?tail=all`)).toEqual({ items: [], cut: false, missing: [] });
    world.installation.part('node-agent').signal('SIGSTOP');
    const silent = await world.call('GET', `/v1/docker-services/${id}/logs?tail=all`);
    world.installation.part('node-agent').signal('SIGCONT');
    expect([silent.status, silent.body.code]).toEqual([503, 'logs.unreachable']);
  }, 120_000);
});
