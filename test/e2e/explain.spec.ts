import { BRISK, deleted, deploy, ended, standingService } from './deploying.ts';
import { IMAGES, makeServiceImages } from './service-images.ts';
import { type Doc, World } from './world.ts';

describe('why, and what if', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ nodes: ['host-2'] });
    await makeServiceImages(world);
  }, 180_000);
  afterAll(() => world?.stop(), 60_000);

  const node = async (name: string): Promise<Doc> => (await world.get('/v1/nodes')).items.find((each: Doc) => each.name === name);
  const explain = (path: string): Promise<Doc> => world.get(`/v1/${path}/explain`);

  /** What led to the last entry of this kind: the first cause first. */
  function ledTo({ chain }: Doc, kind: string): Doc[] {
    const byId = new Map<string, Doc>(chain.map((entry: Doc) => [entry.event_id, entry]));
    const found: Doc[] = [];
    for (let entry = chain.findLast((each: Doc) => each.kind === kind); entry; entry = byId.get(entry.caused_by)) found.unshift(entry);
    return found;
  }

  /** The slots of a service and the nodes that they run on. */
  async function whereRuns(id: string): Promise<Record<string, string>> {
    const { items } = await world.get(`/v1/docker-services/${id}/replicas`);
    return Object.fromEntries(items.filter(({ state }: Doc) => state === 'RUNNING').map(({ slot, node_id }: Doc) => [slot, node_id]));
  }

  const foreseen = ({ placements }: Doc): Record<string, string> => Object.fromEntries(placements.map(({ slot, node_id }: Doc) => [slot, node_id]));

  /** The end of the log, once it has stood still for a while. */
  async function stillness(): Promise<string> {
    const end = async (): Promise<string> => (await world.get('/v1/audit?limit=1')).items[0].position;
    let [last, since] = [await end(), Date.now()];
    await world.eventually('nothing happens', async () => {
      const now = await end();
      if (now !== last) [last, since] = [now, Date.now()];
      return Date.now() - since > 1_500;
    });
    return last;
  }

  /** A dry run on a quiet house, which leaves the log as it was. */
  async function preview(path: string, body: Record<string, unknown>): Promise<Doc> {
    const before = await stillness();
    const { status, body: answer } = await world.call('POST', `/v1/docker-services/${path}`, body);
    expect([status, answer]).toEqual([200, expect.objectContaining({ conflicts: expect.anything() })]);
    expect(await stillness()).toBe(before);
    return answer;
  }

  describe('a preview', () => {
    it('names the nodes that a creation, a scale, a patch and a deployment then lead to', async () => {
      const body = world.serviceBody({ name: 'foreseen', replicas: 2, deploy: BRISK });
      const created = await preview('preview', body);
      expect(created).toMatchObject({ revision: null, conflicts: [] });
      const { docker_service_id: id, deployment_id } = await world.post('/v1/docker-services', body);
      await ended(world, deployment_id);
      expect(await whereRuns(id)).toEqual(foreseen(created));

      const scale = await preview(`${id}/preview`, { scale: { replicas: 3 } });
      expect(scale).toMatchObject({ changes: [{ path: '/replicas', from: 2, to: 3 }], deployment: null, conflicts: [] });
      await world.post(`/v1/docker-services/${id}/scale`, { replicas: 3 }, { 'if-match': `"${scale.revision}"` });
      await world.running(id, 3);
      expect(await whereRuns(id)).toEqual(foreseen(scale));

      const patch = { env: { COLOUR: 'blue' }, deploy: { ...BRISK, max_surge: 0, max_unavailable: 1 } };
      const patched = await preview(`${id}/preview`, { patch });
      expect(patched.changes).toEqual(expect.arrayContaining([{ path: '/release', from: 1, to: 2 }, { path: '/env/COLOUR', from: null, to: 'blue' }]));
      expect(patched.deployment).toMatchObject({ from_release: 1, to_release: 2, surge: 0, unavailable: 1 });
      const { body: answer, status } = await world.call('PATCH', `/v1/docker-services/${id}`, patch, { 'if-match': `"${patched.revision}"` });
      expect(status).toBe(202);
      expect(await ended(world, answer.deployment_id)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await whereRuns(id)).toEqual(foreseen(patched));

      const rolled = await preview(`${id}/preview`, { deployment: { max_surge: 1, max_unavailable: 0 } });
      expect(await ended(world, await deploy(world, id, { max_surge: 1, max_unavailable: 0 }))).toMatchObject({ status: 'SUCCEEDED' });
      expect(await whereRuns(id)).toEqual(foreseen(rolled));

      const stale = { 'if-match': `"${patched.revision}"` };
      expect(await world.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 1 }, stale)).toMatchObject({ status: 412, body: { code: 'request.precondition_failed' } });
      await deleted(world, id);
    }, 180_000);

    it('refuses what the request is refused for: a host port that is taken, and volumes on two nodes', async () => {
      const { docker_service_id: holder } = await world.createService({ name: 'holder', replicas: 2, ports: [{ container_port: 80, host_port: 18_080 }] });
      await world.running(holder, 2);
      const wants = world.serviceBody({ name: 'wants', ports: [{ container_port: 80, host_port: 18_080 }] });
      const { conflicts } = await preview('preview', wants);
      expect(conflicts).toMatchObject([{ code: 'placement.host_port', detail: expect.stringMatching(/(?=.*host-1: host port 18080)(?=.*host-2: host port 18080)/) }]);
      expect(await world.call('POST', '/v1/docker-services', wants)).toMatchObject({ status: 409, body: { code: conflicts[0].code, detail: conflicts[0].detail } });
      await deleted(world, holder);

      for (const name of ['host-1', 'host-2']) {
        const { docker_service_id: id } = await world.createService({ name: `on-${name}`, constraints: [`node.name==${name}`], volumes: [{ name: `data-${name}`, type: 'persistent', mount_path: '/data' }] });
        await world.running(id, 1);
        await deleted(world, id);
      }
      const both = world.serviceBody({ name: 'both', volumes: ['host-1', 'host-2'].map((name) => ({ name: `data-${name}`, mount_path: `/${name}` })) });
      const refused = await preview('preview', both);
      expect(refused.conflicts).toMatchObject([{ code: 'placement.volume', detail: expect.stringMatching(/(?=.*host-1: the volume data-host-2 is on host-2)(?=.*host-2: the volume data-host-1 is on host-1)/) }]);
      expect(await world.call('POST', '/v1/docker-services', both)).toMatchObject({ status: 409, body: { code: 'placement.volume' } });
      const [volume] = (await world.get('/v1/volumes?name=data-host-2')).items;
      expect(await explain(`volumes/${volume.volume_id}`)).toMatchObject({ summary: expect.stringMatching(/^data-host-2 is on host-2, where it was made: .*; used by nobody$/) });
    }, 120_000);
  });

  describe('an explanation', () => {
    it('of what waits says since when, and what every node lacks', async () => {
      const second = await node('host-2');
      await world.post(`/v1/nodes/${second.node_id}/drain`);
      expect((await explain(`nodes/${second.node_id}`)).summary).toMatch(/^host-2 is DRAINED; it is drained since \S+, by token tok_operator: nothing new is placed there/);
      const memory_bytes = Math.floor((await node('host-1')).capacity.memory_bytes * 0.6);
      const { docker_service_id: id } = await world.createService({ name: 'large', replicas: 2, resources: { cpu_millis: 10, memory_bytes } });
      await world.serviceWhen(id, 'one runs and one waits', ({ replicas, status_reason }) => replicas.running === 1 && /no node fits/.test(status_reason?.message ?? ''));
      const explained = await explain(`docker-services/${id}`);
      expect(explained.summary).toMatch(/^large is PENDING: 1 of 2 replicas run; slot 2: no node fits \(.*host-1: needs .* free.*\) \(since \S+\)$/);
      expect(explained.nodes).toEqual(expect.arrayContaining([
        expect.objectContaining({ name: 'host-1', fits: false, reasons: [{ filter: 'capacity', detail: expect.stringMatching(/^needs .* free$/) }] }),
        expect.objectContaining({ name: 'host-2', fits: false, reasons: [{ filter: 'drained', detail: 'it is drained' }] }),
      ]));
      expect(ledTo(explained, 'pending').map(({ type }) => type)).toEqual(expect.arrayContaining(['DeploymentStarted', 'ReplicaCreated', 'PlacementDeferred']));
      await world.post(`/v1/nodes/${second.node_id}/activate`);
      await world.running(id, 2);
      expect((await explain(`docker-services/${id}`)).summary).toBe('large is RUNNING: 2 of 2 replicas run release 1');
      await deleted(world, id);
    }, 90_000);

    it('of a crash loop leads from each restart to the end before it, with its exit code and last lines', async () => {
      const { docker_service_id: id } = await world.createService({ name: 'crashing', command: ['/bin/sh', '-c', 'echo oh no; exit 3'], restart_policy: { name: 'on-failure', max_retries: 5, delay_ms: 200 } });
      const [{ replica_id }] = await world.eventually('it is ordered', async () => (await world.get(`/v1/docker-services/${id}/replicas`)).items.length === 1).then(async () => (await world.get(`/v1/docker-services/${id}/replicas`)).items);
      await world.serviceWhen(id, 'it is given up', ({ status }) => status === 'FAILED');
      const explained = await explain(`docker-services/${id}`);
      expect(explained.summary).toMatch(/^crashing is FAILED: .*exit code 3/);
      const path = ledTo(await world.get(`/v1/docker-services/${id}/explain?replica_id=${replica_id}`), 'restarted');
      expect(path.slice(-2)).toMatchObject([{ kind: 'failed', replica_id, why: expect.stringMatching(/exit code 3/) }, { kind: 'restarted', replica_id }]);
      expect(path[0]).toMatchObject({ type: expect.stringMatching(/^(ReleaseCut|DeploymentStarted)$/), by: { type: 'token' } });
      const last = explained.chain.findLast((entry: Doc) => entry.type === 'ReplicaObserved' && entry.kind === 'failed');
      expect(last.last_log_lines).toContain('oh no');
      await deleted(world, id);
    }, 90_000);

    it('of a deployment that was rolled back leads to the replica that failed, and to its last words', async () => {
      const { docker_service_id: id } = await standingService(world, { name: 'rolled', replicas: 1, constraints: ['node.name==host-1'], deploy: { ...BRISK, healthy_deadline_ms: 5_000 } });
      const deploymentId = await deploy(world, id, { image: IMAGES.crashing });
      expect(await ended(world, deploymentId)).toMatchObject({ status: 'ROLLED_BACK' });
      for (const path of [`docker-services/${id}`, `deployments/${deploymentId}`]) {
        const explained = await explain(path);
        const came = ledTo(explained, 'rolled_back');
        expect(came.map(({ type }) => type)).toEqual(expect.arrayContaining(['ReplicaObserved', 'DeploymentReplicaFailed', 'DeploymentStageEnded', 'DeploymentStageBegan', 'DeploymentClosed']));
        expect(came.findLast(({ type, kind }) => type === 'ReplicaObserved' && kind === 'failed')).toMatchObject({ why: expect.stringMatching(/exit code 3/), last_log_lines: expect.arrayContaining(['oh no']) });
      }
      expect((await explain(`deployments/${deploymentId}`)).summary).toMatch(/^the deployment of release 2 is ROLLED_BACK: .*exit code 3/);
      await deleted(world, id);
    }, 120_000);

    it('of a replica that moved leads to the removal of the node that it was on', async () => {
      const { docker_service_id: id, deployment_id } = await world.createService({ name: 'moved', replicas: 2, deploy: BRISK });
      await ended(world, deployment_id);
      const second = await node('host-2');
      await world.installation.part('host-2').stop();
      expect((await world.call('DELETE', `/v1/nodes/${second.node_id}`)).status).toBeLessThan(300);
      await world.serviceWhen(id, 'both run on the other node', ({ status, nodes }) => status === 'RUNNING' && nodes.length === 1);
      const explained = await explain(`docker-services/${id}`);
      const path = ledTo(explained, 'moved');
      expect(path[0]).toMatchObject({ type: 'NodeRemoved', kind: 'removed', what: 'host-2 was removed: what ran there is made good elsewhere', by: { type: 'token' } });
      expect(path.map(({ type }) => type)).toEqual(expect.arrayContaining(['ReplicaObserved', 'ServiceStepTaken', 'ReplicaCreated', 'PlacementSettled']));
      const own = await world.get(`/v1/docker-services/${id}/explain?replica_id=${path.at(-1)!.replica_id}`);
      expect(own.summary).toMatch(/^slot \d \(generation 2\) is RUNNING on host-1 since /);
      expect(own.chain[0]).toMatchObject({ type: 'NodeRemoved' });
      expect((await explain(`nodes/${second.node_id}`)).summary).toMatch(/^host-2 is REMOVED since \S+, by token tok_operator/);
    }, 90_000);
  });
});
