import { given } from '../kernel/given.ts';
import { MAX_NETWORKS, project, type ProjectCommand } from './decide.ts';
import type { ProjectEvent } from './events.ts';
import { hostnameOf } from './name.ts';

const production = { environmentId: 'env_p', name: 'production', networkId: 'net_p' } as const;
const staging = { environmentId: 'env_s', name: 'staging', networkId: 'net_s' } as const;
const created: ProjectEvent[] = [
  { type: 'ProjectCreated', data: { projectId: 'prj_1', name: 'shop' } },
  { type: 'EnvironmentCreated', data: { ...production, projectId: 'prj_1' } },
];
const second: ProjectEvent = { type: 'EnvironmentCreated', data: { ...staging, projectId: 'prj_1' } };
const gone = (environment: typeof production | typeof staging): ProjectEvent => ({ type: 'EnvironmentDeleted', data: { ...environment, projectId: 'prj_1' } });
const deleted: ProjectEvent = { type: 'ProjectDeleted', data: { projectId: 'prj_1', name: 'shop' } };
const claim = { scope: 'docker_service', environmentId: 'env_p', name: 'api', holder: 'svc_1', commandId: 'cmd_1' } as const;
const claimed: ProjectEvent = { type: 'NameClaimed', data: claim };
const release = { scope: 'docker_service', environmentId: 'env_p', name: 'api', holder: 'svc_1' } as const;
const released: ProjectEvent = { type: 'NameReleased', data: release };
const create: ProjectCommand = { type: 'CreateProject', data: { projectId: 'prj_1', name: 'shop', environment: production } };
const del: ProjectCommand = { type: 'DeleteProject', data: {} };

describe('a project', () => {
  it('is created with its first environment', () => given(project, []).when(create).then(created));
  it('is not created twice', () => given(project, created).when(create).rejects('project.exists'));

  it('bears a DNS label for a name', () => {
    given(project, []).when({ type: 'CreateProject', data: { projectId: 'prj_1', name: 'My Shop', environment: production } }).rejects('name.invalid', { name: 'My Shop' });
    given(project, [])
      .when({ type: 'CreateProject', data: { projectId: 'prj_1', name: 'shop', environment: { ...production, name: 'a.b' } } })
      .rejects('name.invalid', { name: 'a.b' });
  });

  it('takes its environments with it when it is deleted, once', () => {
    given(project, [...created, second]).when(del).then([gone(production), gone(staging), deleted]);
    given(project, [...created, gone(production), deleted]).when(del).then([]);
  });

  it('is not deleted while a name is held in it, and names the holders', () => {
    given(project, [...created, claimed]).when(del).rejects('project.in_use', { usedBy: ['svc_1'] });
    given(project, [...created, claimed, released]).when(del).then([gone(production), deleted]);
  });

  it('is not deleted while a job of it holds room: its container may still run', () => {
    const room = { holder: 'job_1', countsFor: null, at: 0, amounts: { cpuMillis: 1, memoryBytes: 1, replicas: 1, volumesBytes: 0 } } as const;
    const reserved: ProjectEvent = { type: 'RoomReserved', data: { ...room, commandId: 'cmd_1' } };
    given(project, [...created, reserved]).when(del).rejects('project.in_use', { usedBy: ['job_1'] });
    given(project, [...created, gone(production), deleted]).when({ type: 'ReserveRoom', data: { ...room, commandId: 'cmd_1' } }).rejects('project.deleted');
    given(project, [...created, reserved, { type: 'RoomReleased', data: { holder: 'job_1' } }]).when(del).then([gone(production), deleted]);
  });

  it('is not deleted when it never was', () => given(project, []).when(del).rejects('project.not_found'));
});

describe('an environment', () => {
  const createStaging: ProjectCommand = { type: 'CreateEnvironment', data: staging };
  const deleteProduction: ProjectCommand = { type: 'DeleteEnvironment', data: { environmentId: 'env_p' } };

  it('is created once', () => {
    given(project, created).when(createStaging).then([second]);
    given(project, [...created, second]).when(createStaging).then([]);
  });

  it('isn’t one too many: each has a subnet that others lack, and so has each further network', () => {
    const networkClaim = (each: number) => ({ scope: 'network', environmentId: 'env_p', name: `n${each}`, holder: `net_n${each}`, commandId: 'cmd' }) as const;
    const claimedNetwork = (each: number): ProjectEvent => ({ type: 'NameClaimed', data: networkClaim(each) });
    const further = Array.from({ length: MAX_NETWORKS - 2 }, (_, each) => claimedNetwork(each));
    given(project, [...created, ...further]).when(createStaging).then([second]);
    const full = [...created, ...further, second];
    given(project, full).when({ type: 'CreateEnvironment', data: { environmentId: 'env_t', name: 'test', networkId: 'net_t' } }).rejects('network.too_many');
    given(project, full).when({ type: 'ClaimName', data: networkClaim(999) }).rejects('network.too_many');
    given(project, full).when({ type: 'ClaimName', data: networkClaim(0) }).then([]);
    given(project, full).when({ type: 'ClaimName', data: claim }).then([claimed]);
  });

  it('has a name of its own in the project, free again after it', () => {
    const other = { environmentId: 'env_o', name: 'production', networkId: 'net_o' } as const;
    given(project, created).when({ type: 'CreateEnvironment', data: other }).rejects('environment.name_taken', { environmentId: 'env_p' });
    given(project, [...created, gone(production)]).when({ type: 'CreateEnvironment', data: other }).then([{ type: 'EnvironmentCreated', data: { ...other, projectId: 'prj_1' } }]);
  });

  it('bears a DNS label for a name', () =>
    given(project, created).when({ type: 'CreateEnvironment', data: { ...staging, name: '-x' } }).rejects('name.invalid', { name: '-x' }));

  it('is created in a project that is there only', () => {
    given(project, []).when(createStaging).rejects('project.not_found');
    given(project, [...created, gone(production), deleted]).when(createStaging).rejects('project.deleted');
  });

  it('is deleted once', () => {
    given(project, created).when(deleteProduction).then([gone(production)]);
    given(project, [...created, gone(production)]).when(deleteProduction).then([]);
    given(project, [...created, gone(production), deleted]).when(deleteProduction).then([]);
  });

  it('is not deleted while a service holds a name in it, and names the holders', () => {
    given(project, [...created, claimed]).when(deleteProduction).rejects('environment.in_use', { usedBy: ['svc_1'] });
    given(project, [...created, second, claimed]).when({ type: 'DeleteEnvironment', data: { environmentId: 'env_s' } }).then([gone(staging)]);
  });
});

describe('a name', () => {
  const claimName = (parts: Partial<typeof claim> | { holder: string; name: string }): ProjectCommand => ({ type: 'ClaimName', data: { ...claim, ...parts } });

  it('is claimed by whoever comes first', () => {
    given(project, created).when(claimName({})).then([claimed]);
    given(project, [...created, claimed]).when(claimName({})).then([]);
    given(project, [...created, claimed]).when(claimName({ holder: 'svc_2', name: 'api' })).rejects('name.taken', { holder: 'svc_1' });
  });

  it('may be the same in another environment', () => {
    const elsewhere = { ...claim, environmentId: 'env_s', holder: 'svc_2' } as const;
    given(project, [...created, second, claimed]).when({ type: 'ClaimName', data: elsewhere }).then([{ type: 'NameClaimed', data: elsewhere }]);
  });

  it('is free once its holder released it', () => {
    given(project, [...created, claimed]).when({ type: 'ReleaseName', data: release }).then([released]);
    given(project, [...created, claimed, released]).when({ type: 'ReleaseName', data: release }).then([]);
    given(project, [...created, claimed, released]).when(claimName({ holder: 'svc_2', name: 'api' })).then([{ type: 'NameClaimed', data: { ...claim, holder: 'svc_2' } }]);
  });

  it('is not released by anybody else', () => given(project, [...created, claimed]).when({ type: 'ReleaseName', data: { ...release, holder: 'svc_2' } }).then([]));

  it('needs an environment that is there', () => {
    given(project, [...created, gone(production)]).when(claimName({})).rejects('environment.not_found', { environmentId: 'env_p' });
    given(project, created).when({ type: 'ClaimName', data: { ...claim, environmentId: null } }).rejects('environment.not_found', { environmentId: null });
    given(project, []).when(claimName({})).rejects('project.not_found');
    given(project, [...created, gone(production), deleted]).when(claimName({})).rejects('project.deleted');
  });

  it('is a DNS label', () => given(project, created).when(claimName({ holder: 'svc_1', name: 'Api' })).rejects('name.invalid', { name: 'Api' }));

  it("of a project is claimed on the platform's stream, and nowhere else", () => {
    const ofProject = { scope: 'project', environmentId: null, name: 'shop', holder: 'prj_1', commandId: 'cmd_1' } as const;
    given(project, []).when({ type: 'ClaimName', data: ofProject }).then([{ type: 'NameClaimed', data: ofProject }]);
    given(project, [{ type: 'NameClaimed', data: ofProject }]).when({ type: 'ClaimName', data: { ...ofProject, holder: 'prj_2' } }).rejects('name.taken', { holder: 'prj_1' });
    given(project, created).when({ type: 'ClaimName', data: ofProject }).rejects('name.wrong_scope');
  });

  it('makes up the host name', () => expect(hostnameOf('api', 'production', 'shop')).toBe('api.production.shop.internal'));
});
