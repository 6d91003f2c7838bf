import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ended } from './deploying.ts';
import { type Doc, IMAGE, SLEEP, World } from './world.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;
const BRISK = { min_healthy_ms: 300, monitor_ms: 0 };

const volumeOf = async (world: World, name: string): Promise<Doc> => (await world.get(`/v1/volumes?name=${name}`)).items[0];

/** Runs a script in the one running container of a service. @returns what it wrote. */
async function inside(world: World, serviceId: string, script: string): Promise<string> {
  const { id } = (await world.containers(serviceId)).find(({ state }) => state === 'running')!;
  return world.docker(['exec', id, '/bin/sh', '-c', script]);
}

async function standing(world: World, name: string, volumes: readonly object[], over: Record<string, unknown> = {}): Promise<string> {
  const { docker_service_id: id } = await world.createService({ name, volumes, deploy: BRISK, ...over });
  await world.serviceWhen(id, `${name} stands`, ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
  return id;
}

async function deleted(world: World, id: string, query = ''): Promise<void> {
  expect((await world.call('DELETE', `/v1/docker-services/${id}${query}`)).status).toBe(202);
  await world.serviceWhen(id, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
}

async function volumeDeleted(world: World, id: string): Promise<void> {
  await world.eventually('nobody uses it', async () => (await world.get(`/v1/volumes/${id}`)).used_by.length === 0);
  expect((await world.call('DELETE', `/v1/volumes/${id}`)).status).toBe(202);
  await volumeGone(world, id);
}

const volumeGone = (world: World, id: string): Promise<void> => world.eventually('the volume is deleted', async () => (await world.get(`/v1/volumes/${id}`)).lifecycle === 'DELETED');

/** Nothing of any volume is left: on the engine, in the host's mounts and loop devices, in the agent's folder. */
async function leftOvers(world: World): Promise<string[]> {
  const onEngine = (await world.docker(['volume', 'ls', '--format', '{{.Name}}'])).split('\n').filter(Boolean);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(`${world.home}/`));
  const loops = (await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], { env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } })).stdout.split('\n').filter((file) => file.includes(world.home));
  const files = (await run('find', [join(world.home, 'node', 'volumes'), '-mindepth', '1']).catch(() => ({ stdout: '' }))).stdout.split('\n').filter(Boolean);
  return [...onEngine, ...mounts, ...loops, ...files];
}

describe('volumes', () => {
  let world: World;
  let host: string;
  beforeAll(async () => {
    host = await mkdtemp(join(tmpdir(), 'waybill-host-'));
    await mkdir(join(host, 'shared'));
    await writeFile(join(host, 'shared', 'hello'), 'from the host');
    await symlink('/etc', join(host, 'shared', 'leads-out'));
    world = await World.start({ env: { WAYBILL_HOST_PATHS: join(host, 'shared') } });
  }, 120_000);
  afterAll(async () => {
    await world?.stop();
    await rm(host, { recursive: true, force: true });
  }, 60_000);
  afterEach(() => world.eventually('nothing of a volume is left', async () => (await leftOvers(world)).length === 0, 30_000));

  it('keeps what a service wrote over a redeploy, a pause, a stop, and a kill of its agent and its engine', async () => {
    const id = await standing(world, 'keeps', [{ name: 'uploads', mount_path: '/data' }]);
    await inside(world, id, 'echo one > /data/file');
    const volume = await volumeOf(world, 'uploads');
    expect(volume).toMatchObject({ type: 'persistent', backend: 'local', size_bytes: null, lifecycle: 'ACTIVE', used_by: [{ type: 'docker_service', id }] });
    expect((await world.service(id)).volumes).toEqual([{ volume_id: volume.volume_id, name: 'uploads', mount_path: '/data', read_only: false }]);

    const { deployment_id } = (await world.call('PATCH', `/v1/docker-services/${id}`, { env: { ROUND: '2' } })).body;
    expect((await ended(world, deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(world, id, 'cat /data/file; echo two >> /data/file')).toBe('one');

    await world.post(`/v1/docker-services/${id}/pause`);
    await world.eventually('it is stopped', async () => (await world.containers(id)).every(({ state }) => state === 'exited'));
    await world.post(`/v1/docker-services/${id}/resume`);
    await world.running(id, 1);
    await world.post(`/v1/docker-services/${id}/stop`);
    await world.eventually('it has no container', async () => (await world.containers(id)).length === 0);
    await world.post(`/v1/docker-services/${id}/start`);
    await world.running(id, 1);
    world.installation.part('node-agent').signal('SIGKILL');
    await world.engine.kill();
    await world.engine.restart();
    await world.running(id, 1);
    expect(await inside(world, id, 'cat /data/file')).toBe('one\ntwo');
    await deleted(world, id, '?volumes=delete');
    await volumeGone(world, volume.volume_id);
  }, 180_000);

  it('stays when its service is deleted, is taken by the next one of that name, and is not deleted under it', async () => {
    const first = await standing(world, 'first', [{ name: 'kept', mount_path: '/data' }]);
    await inside(world, first, 'echo kept > /data/file');
    const { volume_id } = await volumeOf(world, 'kept');
    await deleted(world, first);
    const second = await standing(world, 'second', [{ volume_id, mount_path: '/elsewhere', read_only: true }]);
    expect(await inside(world, second, 'cat /elsewhere/file; touch /elsewhere/x 2>&1 || true')).toMatch(/^kept\n.*Read-only/);

    const refused = await world.call('DELETE', `/v1/volumes/${volume_id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'volume.in_use' } });
    expect(refused.body.detail).toContain(second);
    const third = await standing(world, 'third', [{ name: 'kept', mount_path: '/data' }]);
    const shared = await world.call('DELETE', `/v1/docker-services/${second}?volumes=delete`);
    expect(shared).toMatchObject({ status: 409, body: { code: 'volume.in_use' } });
    expect(shared.body.detail).toContain(third);
    for (const id of [second, third]) await deleted(world, id);
    await volumeDeleted(world, volume_id);
  }, 120_000);

  it('holds a loop volume to its size, to the MiB, and shows what is in it', async () => {
    const id = await standing(world, 'sized', [{ name: 'small', mount_path: '/data', size_bytes: 32 * MIB }]);
    const volume = await volumeOf(world, 'small');
    expect(volume).toMatchObject({ backend: 'loop', size_bytes: 32 * MIB });
    const fill = (name: string, mib: number): string => `dd if=/dev/zero of=/data/${name} bs=1048576 count=${mib} 2>&1; sync; stat -c %s /data/${name}`;
    expect(await inside(world, id, fill('all', 32))).toMatch(new RegExp(`\n${32 * MIB}$`));
    expect(await inside(world, id, fill('more', 1))).toMatch(/No space left on device/);
    await world.eventually('its use is shown', async () => (await world.get(`/v1/volumes/${volume.volume_id}`)).used_bytes >= 32 * MIB);
    const { deployment_id } = await world.post(`/v1/docker-services/${id}/restart`);
    expect((await ended(world, deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(world, id, 'stat -c %s /data/all')).toBe(String(32 * MIB));
    await deleted(world, id, '?volumes=delete');
    await volumeGone(world, volume.volume_id);
  }, 120_000);

  it('leaves nothing behind and loses nothing, wherever its agent is killed', async () => {
    const agent = () => world.installation.part('node-agent');
    for (const [round, pauseMs] of [0, 150, 400].entries()) {
      const { docker_service_id: id } = await world.createService({ name: `killed-${round}`, volumes: [{ name: 'killed', mount_path: '/data', size_bytes: 16 * MIB }], deploy: BRISK });
      await world.eventually('its volume is bound', async () => (await volumeOf(world, 'killed'))?.node_id !== null);
      await pause(pauseMs); // another moment of its making each time
      agent().signal('SIGKILL');
      await world.serviceWhen(id, 'it stands', ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
      await inside(world, id, 'echo there > /data/file; sync');
      agent().signal('SIGKILL');
      await world.running(id, 1);
      expect(await inside(world, id, 'cat /data/file')).toBe('there');
      const { volume_id } = await volumeOf(world, 'killed');
      await world.call('DELETE', `/v1/docker-services/${id}?volumes=delete`);
      await world.eventually('the volume is to go', async () => (await world.get(`/v1/volumes/${volume_id}`)).lifecycle !== 'ACTIVE');
      agent().signal('SIGKILL');
      await volumeGone(world, volume_id);
      expect(await leftOvers(world)).toEqual([]);
    }
  }, 180_000);

  it('comes back mounted where the host has forgotten its mounts', async () => {
    const id = await standing(world, 'remounted', [{ name: 'mounted', mount_path: '/data', size_bytes: 8 * MIB }]);
    await inside(world, id, 'echo there > /data/file; sync');
    await world.post(`/v1/docker-services/${id}/pause`);
    await world.eventually('it is stopped', async () => (await world.containers(id)).every(({ state }) => state === 'exited'));
    const { volume_id } = await volumeOf(world, 'mounted');
    await run('umount', [join(world.home, 'node', 'volumes', volume_id, 'mount')]);
    await world.post(`/v1/docker-services/${id}/resume`);
    await world.running(id, 1);
    expect(await inside(world, id, 'cat /data/file')).toBe('there');
    await deleted(world, id, '?volumes=delete');
    await volumeGone(world, volume_id);
  }, 120_000);

  it('is not made anew where somebody has removed it: who mounts it says why, what is put back is taken, and another one may take its place', async () => {
    const id = await standing(world, 'robbed', [{ name: 'books', mount_path: '/data' }]);
    await inside(world, id, 'echo there > /data/file');
    await world.eventually('it is known as made', async () => (await volumeOf(world, 'books')).provisioned);
    const { volume_id } = await volumeOf(world, 'books');
    const name = await world.docker(['volume', 'ls', '--filter', `label=waybill.volume_id=${volume_id}`, '--format', '{{.Name}}']);
    const labels: Record<string, string> = JSON.parse(await world.docker(['volume', 'inspect', '--format', '{{json .Labels}}', name]));
    const stopped = async (): Promise<void> => {
      await world.post(`/v1/docker-services/${id}/stop`);
      await world.eventually('it has no container', async () => (await world.containers(id)).length === 0);
    };
    await stopped();
    await world.docker(['volume', 'rm', name]);
    await world.eventually('the volume says so', async () => (await world.get(`/v1/volumes/${volume_id}`)).lost?.code === 'volume_lost', 60_000);
    expect((await world.get(`/v1/volumes/${volume_id}/explain`)).summary).toContain('books is lost on ');

    await world.post(`/v1/docker-services/${id}/start`);
    const why = await world.serviceWhen(id, 'it says why it does not start', ({ status_reason }) => status_reason?.code === 'volume_lost');
    expect(why.status).not.toBe('RUNNING');
    expect(why.status_reason.message).toContain(name);
    expect((await world.get(`/v1/docker-services/${id}/explain`)).summary).toContain(volume_id);
    expect(await world.containers(id)).toEqual([]);

    await world.docker(['volume', 'create', ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]), name]);
    await world.running(id, 1);
    await world.eventually('the volume is found', async () => (await world.get(`/v1/volumes/${volume_id}`)).lost === null, 60_000);

    await stopped();
    await world.docker(['volume', 'rm', name]);
    await world.post(`/v1/docker-services/${id}/start`);
    await world.serviceWhen(id, 'it says so again', ({ status_reason }) => status_reason?.code === 'volume_lost');
    const { deployment_id } = (await world.call('PATCH', `/v1/docker-services/${id}`, { volumes: [{ name: 'books-2', mount_path: '/data' }] })).body;
    expect((await ended(world, deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(world, id, 'ls /data; echo new > /data/file')).toBe('');
    await world.eventually('nobody uses the lost one', async () => (await world.get(`/v1/volumes/${volume_id}`)).used_by.length === 0, 120_000);
    await volumeDeleted(world, volume_id);
    const second = (await volumeOf(world, 'books-2')).volume_id;
    const back = (await world.call('PATCH', `/v1/docker-services/${id}`, { volumes: [{ name: 'books', mount_path: '/data' }] })).body;
    expect((await ended(world, back.deployment_id)).status).toBe('SUCCEEDED');
    expect((await volumeOf(world, 'books')).volume_id).not.toBe(volume_id);
    await deleted(world, id, '?volumes=delete');
    await world.eventually('nobody uses the second', async () => (await world.get(`/v1/volumes/${second}`)).used_by.length === 0, 120_000);
    await volumeDeleted(world, second);
  }, 420_000);

  it('has ephemeral volumes for as long as the service, and memory for as long as a container', async () => {
    const id = await standing(world, 'passing', [{ name: 'scratch', mount_path: '/scratch', type: 'ephemeral' }, { mount_path: '/cache', backend: 'tmpfs', size_bytes: MIB }]);
    await inside(world, id, 'echo a > /scratch/file; echo b > /cache/file');
    expect(await inside(world, id, 'dd if=/dev/zero of=/cache/big bs=1048576 count=2 2>&1 || true')).toMatch(/No space left on device/);
    const { volume_id } = await volumeOf(world, 'scratch');
    const { deployment_id } = await world.post(`/v1/docker-services/${id}/restart`);
    expect((await ended(world, deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(world, id, 'cat /scratch/file; ls /cache')).toBe('a');
    await deleted(world, id);
    await volumeGone(world, volume_id);
  }, 120_000);

  it('is mounted by jobs and hooks, as by services', async () => {
    const id = await standing(world, 'worked', [{ name: 'work', mount_path: '/data' }]);
    const job = await world.post('/v1/jobs', { docker_service_id: id, script: 'echo from a job > /data/job', timeout_ms: 30_000 });
    await world.eventually('the job has ended', async () => (await world.get(`/v1/jobs/${job.job_id}`)).status === 'SUCCEEDED');
    const hooked = await world.post(`/v1/docker-services/${id}/deployments`, { pre_deploy: { script: 'cat /hooked/job > /hooked/hook', volumes: [{ name: 'work', mount_path: '/hooked' }] } });
    expect((await ended(world, hooked.deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(world, id, 'cat /data/hook')).toBe('from a job');
    const alone = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', script: 'echo alone > /own/file', volumes: [{ name: 'of-a-job', mount_path: '/own' }] });
    await world.eventually('the job has ended', async () => (await world.get(`/v1/jobs/${alone.job_id}`)).status === 'SUCCEEDED');
    await deleted(world, id, '?volumes=delete');
    for (const name of ['work', 'of-a-job']) {
      const volume = await volumeOf(world, name);
      if (volume) await volumeDeleted(world, volume.volume_id);
    }
  }, 180_000);

  it('has folders of the host below those that its operator allows, and no other, not through a link either', async () => {
    const mount = (host_path: string) => [{ type: 'host_path', host_path, mount_path: '/host', read_only: true }];
    const id = await standing(world, 'host', mount(join(host, 'shared')));
    expect(await inside(world, id, 'cat /host/hello')).toBe('from the host');
    await deleted(world, id);
    expect(await readFile(join(host, 'shared', 'hello'), 'utf8')).toBe('from the host');
    for (const path of ['/etc', host, '/', `${host}/shared/../..`]) {
      expect((await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'out', volumes: mount(path) }))).status).toBe(422);
    }
    const link = await world.createService({ name: 'link', volumes: mount(join(host, 'shared', 'leads-out')), deploy: BRISK });
    const failed = await world.serviceWhen(link.docker_service_id, 'it is refused', ({ status }) => status === 'FAILED');
    expect(JSON.stringify(failed.status_reason)).toContain('leads through a link');
    expect(await world.containers(link.docker_service_id)).toEqual([]);
    await deleted(world, link.docker_service_id);
  }, 120_000);

  it('refuses what can not be, with the field and the way out', async () => {
    const asked = async (volume: object) => (await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'refused', volumes: [{ name: 'never', mount_path: '/data', ...volume }] }))).body;
    expect(await asked({ backend: 'local', size_bytes: 32 * MIB })).toMatchObject({ status: 422, code: 'volume.size_not_enforced', errors: [{ pointer: '/volumes/0/size_bytes', detail: expect.stringContaining('loop') }] });
    expect(await asked({ backend: 'loop' })).toMatchObject({ status: 422, code: 'volume.size_required', errors: [{ pointer: '/volumes/0/size_bytes' }] });
    expect(await asked({ mount_path: '/proc/x' })).toMatchObject({ status: 422, errors: [{ pointer: '/volumes/0/mount_path' }] });
    expect(await asked({ backend: 'tmpfs', name: undefined, type: 'persistent' })).toMatchObject({ status: 422, errors: [{ pointer: '/volumes/0/type' }] });
    expect((await world.get('/v1/volumes')).items).toEqual([]);
  });
});

describe('volumes on two nodes', () => {
  let world: World;
  beforeAll(async () => (world = await World.start({ nodes: ['host-2'], env: { WAYBILL_VOLUME_BACKENDS: 'local,tmpfs' } })), 120_000);
  afterAll(() => world?.stop(), 60_000);

  it('keep their users on their node, say so, and are asked for with no size that no node enforces', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'pinned', replicas: 3, volumes: [{ name: 'data', mount_path: '/data' }], deploy: BRISK, command: SLEEP });
    await world.running(id, 3);
    const [node] = (await world.service(id)).nodes;
    expect((await world.service(id)).nodes).toHaveLength(1);
    const volume = await volumeOf(world, 'data');
    expect(volume).toMatchObject({ node_id: node.node_id, provisioned: true });

    await world.post(`/v1/nodes/${node.node_id}/drain`);
    await world.post(`/v1/docker-services/${id}/scale`, { replicas: 4 });
    const waiting = await world.serviceWhen(id, 'the fourth waits', ({ status }) => status === 'PENDING');
    await world.eventually('the reason names the volume', async () => JSON.stringify((await world.service(id)).status_reason).includes(`the volume data is on ${node.name}`), 20_000, () => JSON.stringify(waiting.status_reason));
    await world.post(`/v1/nodes/${node.node_id}/activate`);
    await world.running(id, 4);

    const sized = await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'sized', volumes: [{ name: 'sized', mount_path: '/data', size_bytes: 32 * MIB }] }));
    expect(sized).toMatchObject({ status: 422, body: { code: 'volume.size_not_enforced', errors: [{ pointer: '/volumes/0/size_bytes' }] } });
    await deleted(world, id, '?volumes=delete');
    await volumeGone(world, volume.volume_id);
  }, 180_000);
});
