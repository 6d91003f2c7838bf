import { aContainerSpec, aDockerServiceCreated, MemoryReadModels, recorded } from '#testing';
import type { TenantContext } from '#contracts';
import type { ContainerSpec, DependencyUse } from '#domain';
import type { Recorded } from '#event-store';
import { RESOURCES, Story, timeOf } from '../given/story.ts';
import { everyView } from '../views.ts';
import { foldDocument, type View } from '../view.ts';
import { getNetwork, listNetworks, networks } from './networks.ts';

const everybody: TenantContext = { principal: { type: 'token', id: 'tok_a' }, projects: 'all', role: 'operator' };
const made = (networkId: string, name: string, subnet: string | null) => ({ type: 'NetworkCreated', data: { networkId, projectId: 'prj_a', environmentId: 'env_a', name, driver: 'bridge', subnet } });
const backend = { networkId: 'net_backend', name: 'backend', aliases: ['db'] } as const;

describe('the networks view', () => {
  it('shows the subnet that a network has now, until it is deleted', () => {
    const story = new Story();
    const created = { networkId: 'net_live', projectId: 'prj_shop', environmentId: 'env_live', name: 'default', driver: 'bridge', subnet: '10.192.0.0/24' } as const;
    story.tell('network-net_live', 'NetworkCreated', created);
    story.tell('network-net_live', 'NetworkSubnetChanged', { from: '10.192.0.0/24', to: '10.192.1.0/24', reason: { code: 'subnet_taken', message: 'taken on host-a' } });
    expect(foldDocument(networks, story.events, 'net_live')).toEqual({
      id: 'net_live',
      position: '00000000000000000002',
      network_id: 'net_live',
      project_id: 'prj_shop',
      environment_id: 'env_live',
      name: 'default',
      driver: 'bridge',
      subnet: '10.192.1.0/24',
      created_at: timeOf(1),
      revision: 1,
    });
    story.tell('network-net_live', 'NetworkDeleted', {});
    expect(foldDocument(networks, story.events, 'net_live')).toBeNull();
  });

  it('has one that has no subnet yet, and none that was never written', () => {
    expect(foldDocument(networks, recorded('network-net_backend', [made('net_backend', 'backend', null)]), 'net_backend')).toMatchObject({ subnet: null });
    const voided = { type: 'NetworkReservationVoided', data: { commandId: 'c', name: 'backend' } };
    expect(foldDocument(networks, recorded('network-net_backend', [voided]), 'net_backend')).toBeNull();
  });

  it('names who is in each, or may come back to it: services by their releases and hooks, schedules, and jobs that have not ended', async () => {
    const reads = await folded([
      ['network-net_own', [made('net_own', 'default', '10.192.0.0/24')]],
      ['network-net_backend', [made('net_backend', 'backend', '10.192.1.0/24')]],
      ['docker_service-svc_own', service('svc_own', {})],
      ['docker_service-svc_both', service('svc_both', { networks: [backend] })],
      ['docker_service-svc_apart', service('svc_apart', { networks: [backend], defaultNetwork: false })],
      ['docker_service-svc_user', service('svc_user', { dependencies: [usingIn('net_backend')] })],
      ['docker_service-svc_next', [...service('svc_next', { defaultNetwork: false, networks: [{ ...backend, networkId: 'net_other' }] }), { type: 'ReleasePostponed', data: { spec: aContainerSpec({ networks: [backend] }) } }]],
      ['job-job_a', [{ type: 'JobCreated', data: jobOf({ networks: [backend], defaultNetwork: false }) }]],
      ['schedule-sch_a', [{ type: 'ScheduleCreated', data: scheduleOf({ networks: [{ ...backend, networkId: 'net_own', name: 'default' }] }) }]],
    ]);
    const usedBy = async (id: string) => (await getNetwork(reads, everybody, id))!.used_by.map((user) => user.id).sort();
    expect([await usedBy('net_own'), await usedBy('net_backend')]).toEqual([['sch_a', 'svc_both', 'svc_next', 'svc_own', 'svc_user'], ['job_a', 'svc_apart', 'svc_both', 'svc_next', 'svc_user']]);
    expect((await listNetworks(reads, everybody, { environment_id: 'env_a', name: 'backend' })).items.map(({ network_id }) => network_id)).toEqual(['net_backend']);
    const stranger: TenantContext = { ...everybody, projects: ['prj_b'], role: 'viewer' };
    expect([await getNetwork(reads, stranger, 'net_backend'), (await listNetworks(reads, stranger)).items]).toEqual([null, []]);
  });
});

const usingIn = (networkId: `net_${string}`): DependencyUse => ({
  resourceId: null, dockerServiceId: 'svc_apart', prefix: null, wait: null,
  target: { name: 'apart', kind: null, version: 0, hostname: 'apart', address: null, dockerServiceId: 'svc_apart', networks: [{ networkId, name: 'backend' }], port: 80, user: null, database: null, password: null },
});

type Told = { type: string; data: object };

const service = (id: `svc_${string}`, spec: Partial<ContainerSpec>): Told[] => [
  aDockerServiceCreated({ dockerServiceId: id, projectId: 'prj_a', environmentId: 'env_a' }),
  { type: 'ReleaseCut', data: { release: 1, spec: aContainerSpec(spec) } },
];
const where = { projectId: 'prj_a', environmentId: 'env_a', networkId: 'net_own' } as const;
const jobOf = (spec: Partial<ContainerSpec>) => ({ jobId: 'job_a', ...where, name: 'job', spec: aContainerSpec(spec), timeoutMs: 1, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null });
const scheduleOf = (spec: Partial<ContainerSpec>) => ({
  scheduleId: 'sch_a', ...where, since: 'now', cron: '* * * * *', timeZone: 'UTC', concurrency: 'forbid', job: { name: 'nightly', timeoutMs: 1, retries: 0, runs: { type: 'container', spec: aContainerSpec({ resources: RESOURCES, ...spec }) } },
});

/** Read models in which these streams are folded, view by view. */
async function folded(streams: readonly (readonly [string, readonly Told[]])[]) {
  const events: Recorded[] = streams.flatMap(([stream, told], index) =>
    recorded(stream, told, { commandId: `00000000-0000-4000-8000-00000000000${index}` }).map((event, i) => ({ ...event, position: String(100 * (index + 1) + i).padStart(20, '0') })),
  );
  const models = new MemoryReadModels();
  for (const view of everyView as readonly View[]) {
    await models.prepare(view.schema);
    await models.activate(view.schema.view, view.schema.version);
    const own = events.filter(({ stream }) => !view.prefixes || view.prefixes.some((prefix) => stream.startsWith(prefix)));
    const ids = new Set(own.flatMap((event) => view.keys(event)));
    const puts = [...ids].map((id) => foldDocument(view, own, id)).filter((doc) => doc !== null);
    await models.apply({ view: view.schema.view, version: view.schema.version }, null, events.at(-1)!.position, puts.map((doc) => ({ put: doc })));
  }
  return { models, liveness: { silent: () => false, lastHeardAt: () => null } };
}
