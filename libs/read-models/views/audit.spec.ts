import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { memberOf, OPERATOR, readsOf } from '../given/reads.ts';
import { foldDocument } from '../view.ts';
import { observe, orderedService, place, registerNode, Story, SYSTEM, timeOf } from '../given/story.ts';
import type { Reads } from '../reads.ts';
import { audit, findAudit, listEvents } from './audit.ts';

const opened: Reads[] = [];
const reading = async (story: Story): Promise<Reads> => {
  const reads = await readsOf(story.events, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() });
  opened.push(reads);
  return reads;
};
afterEach(async () => {
  for (const { models } of opened.splice(0)) await models.close();
});

const user = { type: 'user', id: 'usr_1' } as const;
const owner = { type: 'docker_service', id: 'svc_web' } as const;

function scaledService(): Story {
  const story = orderedService();
  place(story, 1);
  story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 5 }, { actor: user, originId: 'org_1', commandId: 'command-scale', causationId: null });
  return story;
}

describe('the audit view', () => {
  it('has a whole entry for each event: who, from where, what, before and after, by which command', () => {
    const { position } = scaledService().events.at(-1)!;
    expect(foldDocument(audit, scaledService().events, position)).toEqual({
      id: position,
      position,
      at: timeOf(10),
      actor: user,
      actor_id: 'usr_1',
      origin_id: 'org_1',
      what: 'DockerServiceScaled',
      resource: { type: 'docker_service', id: 'svc_web' },
      resource_id: 'svc_web',
      resource_type: 'docker_service',
      owner_id: 'svc_web',
      project_id: 'prj_shop',
      before: 2,
      after: 5,
      command_id: 'command-scale',
      caused_by: null,
      stream: 'docker_service-svc_web',
      revision: 3,
      data: { from: 2, to: 5 },
      correlation_id: 'correlation-10',
    });
  });

  it('writes names in snake_case, and leaves those that tenants chose', () => {
    const story = orderedService();
    const entry = foldDocument(audit, story.events, story.events[1]!.position)!;
    expect(entry.after).toMatchObject({ release: 1, spec: { pull_policy: 'missing', env: { PORT: '80', camelCase: 'kept' }, labels: { teamName: 'shop' }, resources: { request: { cpu_millis: 100 } } } });
  });

  it('knows whose an event is and what it is about, whichever stream it stands in', () => {
    const story = orderedService();
    registerNode(story);
    story.tell('node-node_a', 'ReplicaReleased', { replicaId: 'rep_1', owner, reason: { code: 'gone', message: 'gone' } }, { ...SYSTEM, tenantId: 'platform' });
    story.tell('project-prj_shop', 'NameClaimed', { scope: 'docker_service', environmentId: 'env_live', name: 'web', holder: 'svc_web', commandId: 'c' });
    story.tell('project-prj_shop', 'EnvironmentCreated', { environmentId: 'env_2', projectId: 'prj_shop', name: 'two', networkId: 'net_2' });
    story.tell('network_pool-default', 'SubnetAllotted', { networkId: 'net_2', subnet: '10.192.2.0/24' }, { tenantId: 'platform' });
    const about = story.events.slice(3).map(({ position }) => {
      const { what, resource, owner_id, project_id } = foldDocument(audit, story.events, position)!;
      return [what, `${resource.type} ${resource.id}`, owner_id, project_id];
    });
    expect(about).toEqual([
      ['DeploymentOpened', 'deployment dep_1', 'svc_web', 'prj_shop'],
      ['DeploymentStepTaken', 'deployment dep_1', 'svc_web', 'prj_shop'],
      ['ReplicaCreated', 'replica rep_1', 'svc_web', 'prj_shop'],
      ['ReplicaCreated', 'replica rep_2', 'svc_web', 'prj_shop'],
      ['NodeRegistered', 'node node_a', null, null],
      ['ReplicaReleased', 'node node_a', 'svc_web', null],
      ['NameClaimed', 'project prj_shop', 'svc_web', 'prj_shop'],
      ['EnvironmentCreated', 'environment env_2', null, 'prj_shop'],
      ['SubnetAllotted', 'network net_2', null, null],
    ]);
  });

  it('is found by what, by whom, about what and when, the latest first', async () => {
    const reads = await reading(scaledService());
    const whats = async (search: Parameters<typeof findAudit>[2]) => (await findAudit(reads, OPERATOR, search)).items.map(({ what }) => what);
    expect(await whats({ actor_id: 'usr_1' })).toEqual(['DockerServiceScaled']);
    expect(await whats({ what: 'ReplicaCreated' })).toEqual(['ReplicaCreated', 'ReplicaCreated']);
    expect(await whats({ resource_id: 'rep_1' })).toEqual(['PlacementSettled', 'PlacementClaimed', 'ReplicaCreated']);
    expect(await whats({ resource_id: 'svc_web' })).toHaveLength(10);
    expect(await whats({ resource_id: 'svc_web', resource_type: 'deployment' })).toEqual(['DeploymentStepTaken', 'DeploymentOpened']);
    expect(await whats({ from: timeOf(2), until: timeOf(4) })).toEqual(['DeploymentStarted', 'ReleaseCut']);
    expect(await whats({ project_id: 'prj_other' })).toEqual([]);
  });

  it('shows nothing of other projects, and of the platform only to those who reach all', async () => {
    const story = scaledService();
    registerNode(story);
    const reads = await reading(story);
    expect((await findAudit(reads, OPERATOR)).items).toHaveLength(11);
    expect((await findAudit(reads, memberOf('prj_shop'))).items).toHaveLength(10);
    expect((await findAudit(reads, memberOf('prj_other'))).items).toEqual([]);
    expect((await listEvents(reads, memberOf('prj_other'), 'svc_web')).items).toEqual([]);
  });
});

describe('the events of a service', () => {
  it('come in the order of the log, and go on from any position', async () => {
    const story = scaledService();
    registerNode(story);
    const reads = await reading(story);
    const types: string[] = [];
    let next: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof listEvents>> = await listEvents(reads, OPERATOR, 'svc_web', { after: next, limit: 3 });
      if (page.items.length === 0) {
        expect(page.next).toBe(next);
        break;
      }
      types.push(...page.items.map(({ type }) => type));
      next = page.next;
    }
    expect(types).toEqual(story.events.slice(0, 10).map(({ type }) => type));
  });

  it('are shown as they were recorded', async () => {
    const story = orderedService();
    const seen = observe(story, 1, 'RUNNING');
    const { items } = await listEvents(await reading(story), OPERATOR, 'svc_web', { after: story.events.at(-2)!.position });
    expect(items).toEqual([
      {
        position: seen.position,
        type: 'ReplicaObserved',
        stream: 'replica-rep_1',
        revision: 1,
        at: timeOf(8),
        actor: { type: 'system', id: 'health-monitor' },
        project_id: 'prj_shop',
        data: {
          replica_id: 'rep_1',
          owner,
          node_id: 'node_a',
          run: 1,
          state: 'RUNNING',
          final: false,
          container_id: 'container-1',
          address: '10.192.0.1',
          image_id: 'sha256:web',
          exit_code: null,
          oom_killed: false,
          health: 'unknown',
          reason: null,
          at: timeOf(8),
        },
        correlation_id: 'correlation-8',
        causation_id: null,
      },
    ]);
  });
});
