import { type Doc, SLEEP, World } from './world.ts';

/** Use case 1 on a real engine: provision, scale, delete, and every reason for not running. */
describe('provision', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  it('makes a container just as it was asked for, with limits, env, labels and no capability beyond the allowed', async () => {
    const created = await world.createService({
      name: 'api',
      args: undefined,
      env: { GREETING: 'hello', EMPTY: '' },
      ports: [{ container_port: 3000 }],
      resources: { request: { cpu_millis: 20, memory_bytes: 16 << 20 }, limit: { cpu_millis: 250, memory_bytes: 64 << 20 } },
      labels: { team: 'shop' },
    });
    const service = await world.running(created.docker_service_id, 1);
    expect(service).toMatchObject({ name: 'api', type: 'web', lifecycle: 'ACTIVE', status: 'RUNNING', status_reason: null, degraded: false, release: 1 });
    expect(service.nodes).toEqual([expect.objectContaining({ name: 'host-1' })]);
    expect(service.endpoints.internal).toEqual(['api.default.default.internal:3000']);
    expect(service.created_by).toMatchObject({ type: 'token' });

    const [replica] = (await world.get(`/v1/docker-services/${service.docker_service_id}/replicas`)).items;
    expect(replica).toMatchObject({ slot: 1, release: 1, state: 'RUNNING', run: 1, restarts: 0, exit_code: null, node_id: service.nodes[0].node_id });
    const container = await world.inspect(replica.container_id);
    expect(container.HostConfig).toMatchObject({ NanoCpus: 250_000_000, Memory: 64 << 20, MemoryReservation: 16 << 20, Privileged: false, CapDrop: ['ALL'] });
    expect(container.HostConfig.SecurityOpt).toContain('no-new-privileges:true');
    expect(container.HostConfig.PidsLimit).toBeGreaterThan(0);
    expect(container.HostConfig.CapAdd ?? []).not.toContain('SYS_ADMIN');
    expect(container.Config.Env).toEqual(expect.arrayContaining(['GREETING=hello', 'EMPTY=']));
    expect(container.Config.Labels).toMatchObject({ team: 'shop', 'waybill.replica_id': replica.replica_id, 'waybill.owner_id': service.docker_service_id });
    expect(container.HostConfig.PortBindings ?? {}).toEqual({});
  }, 60_000);

  it('goes from 1 to 5 to 2 replicas, and a deletion leaves nothing', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'scaled' });
    await world.running(id, 1);
    const before = await world.containers(id);
    expect((await world.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 5 })).status).toBe(202);
    await world.running(id, 5);
    const five = await world.containers(id);
    expect(five).toHaveLength(5);
    expect(five.map((c) => c.id)).toEqual(expect.arrayContaining(before.map((c) => c.id)));
    await world.post(`/v1/docker-services/${id}/scale`, { replicas: 2 });
    await world.running(id, 2);
    await world.eventually('two containers are left', async () => (await world.containers(id)).length === 2);
    expect((await world.call('DELETE', `/v1/docker-services/${id}`)).status).toBe(202);
    await world.serviceWhen(id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
    expect(await world.containers(id)).toEqual([]);
    const gone = await world.service(id);
    expect(gone).toMatchObject({ lifecycle: 'DELETED', status: null, deleted_by: expect.objectContaining({ type: 'token' }) });
    expect((await world.get(`/v1/docker-services?name=scaled&environment_id=${world.environmentId}`)).items).toEqual([]);
    await world.eventually('its name is free', async () => (await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'scaled', replicas: 0 }))).status === 202);
  }, 90_000);

  it('leaves no network behind when an environment has no replica any more', async () => {
    const project = await world.post('/v1/projects', { name: 'walled' });
    const environment = (await world.get(`/v1/environments?project_id=${project.project_id}`)).items[0];
    const { docker_service_id: id } = await world.createService({ environment_id: environment.environment_id, name: 'lonely' });
    await world.running(id, 1);
    const networks = async () => (await world.docker(['network', 'ls', '--filter', 'label=waybill.network_id', '--format', '{{.Name}}'])).split('\n').filter(Boolean);
    const [replica] = (await world.get(`/v1/docker-services/${id}/replicas`)).items;
    const own = Object.keys((await world.inspect(replica.container_id)).NetworkSettings.Networks)[0] as string;
    expect(await networks()).toContain(own);
    await world.call('DELETE', `/v1/docker-services/${id}`);
    await world.serviceWhen(id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
    await world.eventually('its network is gone', async () => !(await networks()).includes(own));
  }, 60_000);

  it('lets services of one environment find each other by name', async () => {
    const web = await world.createService({ name: 'greeter', command: ['/bin/sh', '-c', 'echo found > /tmp/index.html; exec httpd -f -p 8080 -h /tmp'], ports: [{ container_port: 8080 }] });
    const caller = await world.createService({ name: 'caller' });
    await world.running(web.docker_service_id, 1);
    await world.running(caller.docker_service_id, 1);
    const [container] = await world.containers(caller.docker_service_id);
    for (const name of ['greeter', 'greeter.default.default.internal', web.docker_service_id]) {
      expect(await world.docker(['exec', container!.id, 'wget', '-q', '-O', '-', `http://${name}:8080/`])).toBe('found');
    }
  }, 60_000);

  it('says in seconds why a bad image, a taken port and an impossible size do not run', async () => {
    const bad = await world.call('POST', '/v1/docker-services', world.serviceBody({ image: 'UPPER/Case:tag' }));
    expect(bad).toMatchObject({ status: 422, body: { errors: [expect.objectContaining({ pointer: '/image' })] } });

    const absent = await world.createService({ name: 'absent', image: 'nowhere/absent:1', pull_policy: 'never' });
    const failed = await world.serviceWhen(absent.docker_service_id, 'it fails for its image', (s) => s.status === 'FAILED', 15_000);
    expect(failed.status_reason.message).toMatch(/absent:1 isn't on this node/);

    const first = await world.createService({ name: 'port-holder', ports: [{ container_port: 80, host_port: 18_080 }] });
    await world.running(first.docker_service_id, 1);
    expect((await world.service(first.docker_service_id)).endpoints.published).toEqual([expect.stringMatching(/:18080$/)]);
    const second = await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'port-wanter', ports: [{ container_port: 80, host_port: 18_080 }] }));
    expect(second.status).toBe(409);
    expect(second.body.detail).toMatch(/18080/);

    const huge = await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'huge', resources: { cpu_millis: 100, memory_bytes: 2 ** 45 } }));
    expect(huge.status).toBeGreaterThanOrEqual(400);
    expect(huge.status).toBeLessThan(500);
    expect(huge.body.detail).toMatch(/32 TiB/);
    expect(await world.docker(['ps', '-q', '--filter', 'label=waybill.owner_id=none'])).toBe('');
  }, 60_000);

  it('waits with a reason while no node has room, and goes on when there is', async () => {
    const node = (await world.get('/v1/nodes')).items[0];
    const most = node.capacity.memory_bytes - node.reserved.memory_bytes;
    const filler = await world.createService({ name: 'filler', resources: { request: { cpu_millis: 10, memory_bytes: most }, limit: { cpu_millis: 10, memory_bytes: most } } });
    await world.running(filler.docker_service_id, 1);
    const waiting = await world.createService({ name: 'waiting', resources: { cpu_millis: 10, memory_bytes: 32 << 20 } });
    const pending = await world.serviceWhen(waiting.docker_service_id, 'it says why it waits', (s) => s.status === 'PENDING' && /free/.test(s.status_reason?.message ?? ''), 15_000);
    expect(pending.status_reason.message).toMatch(/32 MiB/);
    const explained = await world.get(`/v1/docker-services/${waiting.docker_service_id}/explain`);
    expect(explained.nodes).toEqual([expect.objectContaining({ fits: false, reasons: [expect.objectContaining({ filter: 'capacity' })] })]);
    await world.call('DELETE', `/v1/docker-services/${filler.docker_service_id}`);
    await world.running(waiting.docker_service_id, 1);
  }, 60_000);

  it('replaces a container that was removed behind its back, and never touches one that it does not own', async () => {
    const foreign = await world.docker(['run', '--detach', '--network', 'none', '--label', 'waybill.installation=somebody-else', 'waybill-test/busybox:1', ...SLEEP]);
    const { docker_service_id: id } = await world.createService({ name: 'robust', replicas: 2 });
    await world.running(id, 2);
    const [victim] = await world.containers(id);
    await world.docker(['rm', '--force', victim!.id]);
    await world.eventually('a new container stands in', async () => {
      const now = await world.containers(id);
      return now.length === 2 && now.every((c) => c.id !== victim!.id && c.state === 'running');
    });
    await world.running(id, 2);
    const replicas: Doc[] = (await world.get(`/v1/docker-services/${id}/replicas`)).items;
    expect(replicas.filter((r) => r.state === 'RUNNING').map((r) => r.slot).sort()).toEqual([1, 2]);
    expect((await world.inspect(foreign)).State.Running).toBe(true);
    await world.docker(['rm', '--force', foreign]);
  }, 60_000);

  it('restarts what exits, counts it, and never calls a crash loop RUNNING', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'crashing', command: ['/bin/sh', '-c', 'echo oh no; exit 3'], deploy: { min_healthy_ms: 2000, healthy_deadline_ms: 6000 } });
    const seen = new Set<string | null>();
    const failed = await world.serviceWhen(id, 'the deployment gives up', (s) => (seen.add(s.status), s.status === 'FAILED'), 30_000);
    expect(failed.status_reason.message).toMatch(/exit|deadline|start/i);
    const deployment = (await world.get(`/v1/docker-services/${id}/deployments`)).items[0];
    expect(deployment.status).toBe('FAILED');
    const afterwards = (await world.get(`/v1/docker-services/${id}/events`)).items.map((e: Doc) => e.type);
    expect(afterwards).toEqual(expect.arrayContaining(['DeploymentStarted', 'ReplicaObserved', 'DeploymentEnded']));
  }, 60_000);

  it('shows who did what, when and why, and what it knew at an instant', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'audited' });
    const before = await world.running(id, 1);
    const instant = new Date().toISOString();
    await world.post(`/v1/docker-services/${id}/scale`, { replicas: 2 });
    await world.running(id, 2);
    expect(await world.get(`/v1/docker-services/${id}?at=${instant}`)).toMatchObject({ replicas: { desired: 1 }, revision: before.revision });
    const audit = (await world.get(`/v1/audit?resource=${id}&limit=200`)).items;
    expect(audit).toEqual(expect.arrayContaining([expect.objectContaining({ what: 'DockerServiceScaled', before: 1, after: 2, actor: expect.objectContaining({ type: 'token' }) })]));
    const explained = await world.get(`/v1/docker-services/${id}/explain`);
    expect(explained.summary).toMatch(/\w+ .+/);
    expect(explained.chain.length).toBeGreaterThan(3);
    for (const link of explained.chain) expect(link).toMatchObject({ at: expect.any(String), what: expect.any(String), why: expect.any(String), event_id: expect.any(String) });
  }, 60_000);
});
