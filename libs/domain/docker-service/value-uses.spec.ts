import fc from 'fast-check';
import type { ConfigUse } from '../config/events.ts';
import { given } from '../kernel/given.ts';
import type { SecretUse } from '../secret/events.ts';
import { dockerService } from './decide.ts';
import { DEFAULT_DEPLOY_SETTINGS } from './deploy-settings.ts';
import type { ContainerSpec, DockerServiceEvent } from './events.ts';
import { ALWAYS } from './restart-policy.ts';
import { specViolations } from './spec-rules.ts';
import { DEFAULT_TARGETS } from './targets.ts';
import { followedBy, valuesUsedBy, withVersions } from './value-uses.ts';

const use = (over: Partial<SecretUse> = {}): SecretUse => ({ key: 'DB_PASS', secretId: 'sec_a', version: 1, follows: true, as: 'env', ...over });
const file = (over: Partial<ConfigUse> = {}): ConfigUse => ({ path: '/etc/app.yaml', mode: '0444', uid: 0, gid: 0, content: null, configId: 'cfg_a', version: 1, follows: true, ...over });
const size = { cpuMillis: 100, memoryBytes: 64 * 1024 ** 2 };
const spec = (over: Partial<ContainerSpec> = {}): ContainerSpec => ({
  image: 'docker.io/library/api:1', pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], plan: null, resources: { request: size, limit: size }, labels: {},
  constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS, ...over,
});

describe('what a container is given', () => {
  it('names each secret and config once, its registry’s credentials among them', () => {
    const uses = { secrets: [use(), use({ key: 'AGAIN' })], configs: [file(), file({ path: '/x', content: 'y', configId: null, version: null, follows: false })], registryCredentials: { secretId: 'sec_r', version: null } } as const;
    expect(valuesUsedBy(uses)).toEqual(['sec_a', 'cfg_a', 'sec_r']);
    expect([...followedBy(uses)]).toEqual([['sec_a', 1], ['cfg_a', 1]]);
    expect(valuesUsedBy(spec())).toEqual([]);
  });

  it('moves with the latest where it follows, and stays where it is fixed', () => {
    const before = spec({ secrets: [use(), use({ key: 'FIXED', follows: false })], configs: [file()] });
    const after = withVersions(before, { sec_a: 2, cfg_a: 5, sec_other: 9 });
    expect(after.secrets!.map(({ version }) => version)).toEqual([2, 1]);
    expect(after.configs![0]!.version).toBe(5);
    expect(withVersions(spec(), { sec_a: 2 })).toEqual(spec());
  });

  it('is moved twice to the same as once', () =>
    fc.assert(
      fc.property(fc.array(fc.record({ secretId: fc.constantFrom('sec_a', 'sec_b'), follows: fc.boolean(), version: fc.integer({ min: 1, max: 9 }) })), fc.dictionary(fc.constantFrom('sec_a', 'sec_b'), fc.integer({ min: 1, max: 9 })), (uses, versions) => {
        const once = withVersions(spec({ secrets: uses.map((each, i) => use({ ...each, key: `K${i}` } as Partial<SecretUse>)) }), versions);
        expect(withVersions(once, versions)).toEqual(once);
        for (const { secretId, follows, version } of once.secrets!) if (follows && versions[secretId] !== undefined) expect(version).toBe(versions[secretId]);
      }),
    ));

  const wrong = (over: Partial<ContainerSpec>) => specViolations(spec(over)).map(({ pointer, code }) => [pointer, code]);
  it.each<[string, Partial<ContainerSpec>, [string, string]]>([
    ['a name that no variable has', { secrets: [use({ key: '1st' })] }, ['/secrets/1st', 'invalid']],
    ['a way out of its folder', { secrets: [use({ key: '../x', as: 'file' })] }, ['/secrets/..~1x', 'invalid']],
    ['a name that env has, too', { env: { DB_PASS: 'x' }, secrets: [use()] }, ['/secrets/DB_PASS', 'duplicate']],
    ['a version that can’t be', { secrets: [use({ version: 0, follows: false })] }, ['/secrets/DB_PASS/version', 'out_of_range']],
    ['a path that isn’t absolute', { configs: [file({ path: 'etc/app' })] }, ['/configs/0/path', 'invalid']],
    ['a path with a way up', { configs: [file({ path: '/etc/../proc/x' })] }, ['/configs/0/path', 'invalid']],
    ['the folder of secrets', { configs: [file({ path: '/run/secrets/x' })] }, ['/configs/0/path', 'reserved']],
    ['what is the kernel’s', { configs: [file({ path: '/proc/sys/x' })] }, ['/configs/0/path', 'reserved']],
    ['one path twice', { configs: [file(), file()] }, ['/configs/1/path', 'duplicate']],
    ['a mode that is none', { configs: [file({ mode: 'rw' })] }, ['/configs/0/mode', 'invalid']],
    ['a mode that hands on its owner', { configs: [file({ mode: '4755' })] }, ['/configs/0/mode', 'invalid']],
    ['an owner that can’t be', { configs: [file({ uid: -1 })] }, ['/configs/0/uid', 'out_of_range']],
    ['more content than a release should carry', { configs: [file({ content: 'x'.repeat(70_000), configId: null, version: null, follows: false })] }, ['/configs', 'too_long']],
  ])('is refused with %s', (_what, over, expected) => expect(wrong(over)).toEqual([expected]));

  it('as a file may have a name that env has', () => expect(wrong({ env: { DB_PASS: 'x' }, secrets: [use({ as: 'file' })] })).toEqual([]));
});

describe('a service that follows the latest', () => {
  const history = (over: Partial<ContainerSpec> = {}): DockerServiceEvent[] => [
    { type: 'DockerServiceCreated', data: { dockerServiceId: 'svc_a', projectId: 'prj_a', environmentId: 'env_a', networkId: 'net_a', name: 'api', hostname: 'api', kind: 'worker', replicas: 1, deploy: DEFAULT_DEPLOY_SETTINGS } },
    { type: 'ReleaseCut', data: { release: 1, spec: spec({ secrets: [use()], ...over }) } },
    { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'create', fromRelease: null, toRelease: 1, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null } },
    { type: 'DeploymentEnded', data: { deploymentId: 'dep_1', outcome: 'SUCCEEDED', reason: { code: 'c', message: 'm' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } },
  ];
  const follow = { type: 'FollowVersions', data: { deploymentId: 'dep_2', versions: { sec_a: 2 } } } as const;
  const second: readonly DockerServiceEvent[] = [
    { type: 'ReleaseCut', data: { release: 2, spec: spec({ secrets: [use({ version: 2 })] }) } },
    { type: 'DeploymentStarted', data: { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null } },
  ];

  it('gets a release with the new version, and a deployment of it', () => given(dockerService, history()).when(follow).then(second));

  it('is left alone where it has it, or has fixed another', () => {
    given(dockerService, [...history(), ...second]).when(follow).then([]);
    given(dockerService, history({ secrets: [use({ follows: false })] })).when(follow).then([]);
  });

  it('may have a change that waits for its next deployment, whatever that is for', () => {
    const waiting = spec({ env: { A: '1' }, secrets: [use()] });
    const waits: DockerServiceEvent = { type: 'ReleasePostponed', data: { spec: waiting } };
    const change = (env: Record<string, string>, postpone: boolean) => ({ type: 'ChangeDockerService', data: { deploymentId: 'dep_2', spec: spec({ env, secrets: [use()] }), postpone } }) as const;
    given(dockerService, history()).when(change({ A: '1' }, true)).then([waits]);
    given(dockerService, [...history(), waits]).when(change({ A: '1' }, true)).then([]);
    given(dockerService, [...history(), waits]).when(change({}, true)).then([{ type: 'ReleasePostponed', data: { spec: null } }]);
    given(dockerService, [...history(), waits]).when(change({}, false)).then([{ type: 'ReleasePostponed', data: { spec: null } }]);
    const [cut, started] = second as [Extract<DockerServiceEvent, { type: 'ReleaseCut' }>, DockerServiceEvent];
    given(dockerService, [...history(), waits]).when(change({ A: '1' }, false)).then([{ ...cut, data: { release: 2, spec: waiting } }, started]);
    given(dockerService, [...history(), waits]).when(follow).then([{ ...cut, data: { release: 2, spec: spec({ env: { A: '1' }, secrets: [use({ version: 2 })] }) } }, started]);
    expect(([...history(), waits, cut].reduce(dockerService.evolve, dockerService.initial) as { postponed: unknown }).postponed).toBeNull();
  });

  it('waits while it is paused', () => given(dockerService, [...history(), { type: 'DockerServicePaused', data: {} }]).when(follow).rejects('docker_service.paused', { lifecycle: 'PAUSED', containers: 'held' }));

  it('follows still in a release that copies an old one', () => {
    const after: DockerServiceEvent = { type: 'DeploymentEnded', data: { deploymentId: 'dep_2', outcome: 'SUCCEEDED', reason: { code: 'c', message: 'm' }, toRelease: 2, ordered: [], stopped: [], forgotten: [] } };
    given(dockerService, [...history(), ...second, after])
      .when({ type: 'RollBackDockerService', data: { deploymentId: 'dep_3', release: 1, versions: { sec_a: 2 } } })
      .then([
        { type: 'ReleaseCut', data: { release: 3, spec: spec({ secrets: [use({ version: 2 })] }), copiedFrom: 1 } },
        { type: 'DeploymentStarted', data: { deploymentId: 'dep_3', kind: 'rollback', fromRelease: 2, toRelease: 3, settings: { ...DEFAULT_DEPLOY_SETTINGS, autoRollback: false }, supersedes: null } },
      ]);
  });
});
