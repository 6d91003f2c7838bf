import { foldDocument } from '../view.ts';
import { RESOURCES, Story, timeOf } from '../given/story.ts';
import { environments } from './environments.ts';
import { plans } from './plans.ts';
import { projects } from './projects.ts';

const token = { type: 'token', id: 'tok_operator' } as const;

function shop(): Story {
  const story = new Story();
  story.tell('project-platform', 'NameClaimed', { scope: 'project', environmentId: null, name: 'shop', holder: 'prj_shop', commandId: 'c' });
  story.tell('project-prj_shop', 'ProjectCreated', { projectId: 'prj_shop', name: 'shop' });
  story.tell('project-prj_shop', 'EnvironmentCreated', { environmentId: 'env_live', projectId: 'prj_shop', name: 'default', networkId: 'net_live' });
  return story;
}

describe('the projects view', () => {
  it('follows the revision of its stream through every event of it', () => {
    const story = shop();
    story.tell('project-prj_shop', 'NameClaimed', { scope: 'docker_service', environmentId: 'env_live', name: 'web', holder: 'svc_web', commandId: 'c' });
    expect(foldDocument(projects, story.events, 'prj_shop')).toEqual({
      id: 'prj_shop',
      quota_warnings: {},
      position: '00000000000000000004',
      project_id: 'prj_shop',
      name: 'shop',
      created_at: timeOf(2),
      created_by: token,
      revision: 2,
    });
  });

  it('is left by what was deleted', () => {
    const story = shop();
    story.tell('project-prj_shop', 'EnvironmentDeleted', { environmentId: 'env_live', projectId: 'prj_shop', name: 'default', networkId: 'net_live' });
    story.tell('project-prj_shop', 'ProjectDeleted', { projectId: 'prj_shop', name: 'shop' });
    expect(foldDocument(projects, story.events, 'prj_shop')).toBeNull();
    expect(foldDocument(environments, story.events, 'env_live')).toBeNull();
  });

  it('holds no pseudo-project of the platform', () => {
    const story = shop();
    expect(story.events.filter(({ stream }) => projects.prefixes!.some((prefix) => stream.startsWith(prefix)))).toHaveLength(2);
    expect(foldDocument(projects, story.events, 'platform')).toBeNull();
  });
});

describe('the environments view', () => {
  it('has each environment with its network', () => {
    expect(foldDocument(environments, shop().events, 'env_live')).toEqual({
      id: 'env_live',
      position: '00000000000000000003',
      environment_id: 'env_live',
      project_id: 'prj_shop',
      name: 'default',
      network_id: 'net_live',
      created_at: timeOf(3),
      created_by: token,
    });
  });
});

describe('the plans view', () => {
  it('says what a plan is now, who defined it and who changed it', () => {
    const story = new Story('platform');
    const user = { type: 'user', id: 'usr_1' } as const;
    story.tell('plan-small', 'PlanDefined', { name: 'small', resources: RESOURCES });
    const larger = { ...RESOURCES, limit: { cpuMillis: 400, memoryBytes: 256 } };
    story.tell('plan-small', 'PlanChanged', { name: 'small', from: RESOURCES, to: larger }, { actor: user });
    expect(foldDocument(plans, story.events, 'small')).toEqual({
      id: 'small',
      position: '00000000000000000002',
      name: 'small',
      resources: { request: { cpu_millis: 100, memory_bytes: 64 }, limit: { cpu_millis: 400, memory_bytes: 256 } },
      created_at: timeOf(1),
      created_by: token,
      updated_at: timeOf(2),
      updated_by: user,
      revision: 1,
    });
  });
});
