import { ALWAYS, DEFAULT_TARGETS } from '#domain';
import fc from 'fast-check';
import type { Assignment } from '#contracts';
import { checkContainerPlan, containerPlanOf } from './container-config.ts';
import { checkHostConfig, ForbiddenConfig } from './host-config.ts';

const MIB = 1024 * 1024;
const host = { installation: 'test', cpus: 4, publishOn: '127.0.0.1' };

const assignment: Assignment = {
  replicaId: 'rep_a',
  owner: { type: 'docker_service', id: 'svc_a' },
  projectId: 'prj_a',
  environmentId: 'env_a',
  slot: 1,
  generation: 2,
  release: 3,
  wanted: 'run',
  replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.0.0/24', aliases: ['api', 'svc_a', 'api.default.shop.internal'] }],
  spec: {
    image: 'docker.io/library/busybox:1',
    pullPolicy: 'missing',
    command: null,
    args: null,
    env: { PORT: '3000', EMPTY: '' },
    ports: [
      { containerPort: 3000, protocol: 'tcp', hostPort: 8080 },
      { containerPort: 53, protocol: 'udp', hostPort: null },
    ],
    plan: null,
    resources: { request: { cpuMillis: 100, memoryBytes: 64 * MIB }, limit: { cpuMillis: 250, memoryBytes: 128 * MIB } },
    labels: { team: 'shop' },
    constraints: [],
    restartPolicy: ALWAYS,
    healthcheck: null, ...DEFAULT_TARGETS,
  },
  minHealthyMs: 10_000,
  healthyDeadlineMs: 300_000,
  timeoutMs: null,
  graceMs: 10_000,
  last: null,
};
const withSpec = (spec: Partial<Assignment['spec']>): Assignment => ({ ...assignment, spec: { ...assignment.spec, ...spec } });

it('compiles an assignment to exactly this', () => {
  expect(containerPlanOf(assignment, host)).toEqual({
    name: 'wb-test-rep_a',
    config: {
      Image: 'docker.io/library/busybox:1',
      Env: ['PORT=3000', 'EMPTY='],
      Labels: {
        team: 'shop',
        'waybill.installation': 'test',
        'waybill.replica_id': 'rep_a',
        'waybill.owner_type': 'docker_service',
        'waybill.owner_id': 'svc_a',
        'waybill.project_id': 'prj_a',
        'waybill.environment_id': 'env_a',
        'waybill.slot': '1',
        'waybill.generation': '2',
        'waybill.release': '3',
        'waybill.network_id': 'net_a',
      },
      ExposedPorts: { '3000/tcp': {}, '53/udp': {} },
      StopTimeout: 10,
      HostConfig: {
        CapDrop: ['ALL'],
        CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'],
        SecurityOpt: ['no-new-privileges:true'],
        PidsLimit: 1024,
        Memory: 128 * MIB,
        MemorySwap: 128 * MIB,
        MemoryReservation: 64 * MIB,
        NanoCpus: 250_000_000,
        CpuShares: 102,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
        RestartPolicy: { Name: 'no' },
        IpcMode: 'private',
        CgroupnsMode: 'private',
        NetworkMode: 'wb-test-net_a',
        PortBindings: { '3000/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
        Mounts: [],
      },
      NetworkingConfig: { EndpointsConfig: { 'wb-test-net_a': { Aliases: ['api', 'svc_a', 'api.default.shop.internal'] } } },
    },
  });
});

it.each([
  ['keeps both of the image', null, null, undefined, undefined],
  ['keeps the entrypoint under given args', null, ['-v'], undefined, ['-v']],
  ['drops the image’s CMD under a given command', ['node'], null, ['node'], []],
  ['takes both as given', ['node'], ['server.js'], ['node'], ['server.js']],
])('%s', (_title, command, args, entrypoint, cmd) => {
  const { config } = containerPlanOf(withSpec({ command, args }), host);
  expect([config.Entrypoint, config.Cmd]).toEqual([entrypoint, cmd]);
});

it('lets no tenant label pass for one of the system', () => {
  const { config } = containerPlanOf(withSpec({ labels: { 'waybill.installation': 'other', 'Waybill.slot': '9', ok: 'yes' } }), host);
  expect(config.Labels).toMatchObject({ 'waybill.installation': 'test', ok: 'yes' });
  expect(config.Labels).not.toHaveProperty(['Waybill.slot']);
});

it('asks for no more cores than the host has, since the engine would refuse it', () => {
  const resources = { request: { cpuMillis: 100, memoryBytes: MIB }, limit: { cpuMillis: 64_000, memoryBytes: 128 * MIB } };
  const { HostConfig } = containerPlanOf(withSpec({ resources }), host).config;
  expect(HostConfig.NanoCpus).toBe(4_000_000_000);
  expect(HostConfig.MemoryReservation).toBe(0);
});

const words = fc.string({ unit: 'grapheme', maxLength: 40 });
const amount = fc.record({ cpuMillis: fc.integer({ min: 1, max: 256_000 }), memoryBytes: fc.integer({ min: 6 * MIB, max: 2 ** 40 }) });
const anyAssignment = fc
  .record({
    image: words,
    command: fc.option(fc.array(words)),
    args: fc.option(fc.array(words)),
    env: fc.dictionary(words, words),
    ports: fc.array(
      fc.record({ containerPort: fc.integer({ min: 1, max: 65535 }), protocol: fc.constantFrom('tcp' as const, 'udp' as const), hostPort: fc.option(fc.integer({ min: 1, max: 65535 })) }),
    ),
    resources: fc.record({ request: amount, limit: amount }),
    labels: fc.dictionary(fc.oneof(words, fc.constantFrom('waybill.installation', 'waybill.replica_id', '__proto__', 'HostConfig')), words),
  })
  .map((spec) => withSpec(spec));

it('gives no assignment anything beyond the allow-list', () => {
  fc.assert(
    fc.property(anyAssignment, (any) => {
      const plan = containerPlanOf(any, host);
      checkContainerPlan(plan, 'test');
      expect(plan.config.HostConfig).toMatchObject({ CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'], RestartPolicy: { Name: 'no' } });
      expect(plan.config.HostConfig.MemorySwap).toBe(any.spec.resources.limit.memoryBytes);
      expect(Object.keys(plan.config.HostConfig).sort()).toEqual(Object.keys(containerPlanOf(assignment, host).config.HostConfig).sort());
    }),
  );
});

/** A file that the agent has put down for `rep_a`. */
const MOUNT = { Type: 'bind', Source: '/run/waybill/test/rep_a/secrets', Target: '/run/secrets', ReadOnly: true } as const;

it('adds the values that the agent gives; what the assignment itself says goes before', () => {
  const { Env, HostConfig } = containerPlanOf(withSpec({ env: { A: 'own' } }), host, { env: { A: 'given', DB_PASS: 'x' }, mounts: [MOUNT] }).config;
  expect(Env).toEqual(['A=own', 'DB_PASS=x']);
  expect(HostConfig.Mounts).toEqual([MOUNT]);
  expect(() => checkContainerPlan(containerPlanOf(assignment, host, { env: {}, mounts: [MOUNT] }), 'test')).not.toThrow();
});

describe('the second look', () => {
  const allowed = { network: 'wb-test-net_a', installation: 'test', files: 'test/rep_a', hostPaths: (path: string) => path.startsWith('/srv/') };
  const bind = { Type: 'bind', Source: '/srv/media', Target: '/media', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } };
  const ours = { Type: 'volume', Source: 'wb-test-vol_a', Target: '/data', ReadOnly: false };
  const good = containerPlanOf(assignment, host).config.HostConfig;

  it.each([
    ['Privileged', true], ['Privileged', false], ['Binds', ['/var/run/docker.sock:/s']], ['Binds', []], ['Mounts', [{ Type: 'bind', Source: '/', Target: '/h', ReadOnly: true }]],
    ['Mounts', [{ ...MOUNT, Source: '/run/waybill/test/rep_b/secrets' }]], ['Mounts', [{ ...MOUNT, Source: '/run/waybill/test/rep_a/../rep_b' }]], ['Mounts', [{ ...MOUNT, ReadOnly: false }]],
    ['Mounts', [{ ...MOUNT, Type: 'volume' }]], ['Mounts', [{ ...MOUNT, BindOptions: { Propagation: 'shared' } }]], ['Mounts', [{ ...MOUNT, Target: '/a/../b' }]], ['Mounts', null],
    ['Devices', [{ PathOnHost: '/dev/kmsg' }]], ['DeviceRequests', []], ['PidMode', 'host'], ['UTSMode', 'host'], ['UsernsMode', 'host'], ['IpcMode', 'host'],
    ['CgroupnsMode', 'host'], ['NetworkMode', 'host'], ['NetworkMode', 'container:x'], ['NetworkMode', 'wb-test-net_b'], ['CapAdd', ['SYS_ADMIN']], ['CapDrop', []],
    ['SecurityOpt', ['no-new-privileges:true', 'seccomp=unconfined']], ['SecurityOpt', []], ['Memory', 0], ['Memory', -1], ['MemorySwap', -1], ['PidsLimit', -1],
    ['NanoCpus', 0], ['RestartPolicy', { Name: 'always' }], ['LogConfig', { Type: 'syslog', Config: {} }], ['VolumesFrom', ['x']], ['CgroupParent', '/'],
    ['Sysctls', { 'kernel.x': '1' }], ['Runtime', 'other'], ['OomScoreAdj', -1000], ['ExtraHosts', ['a:host-gateway']], ['ExtraHosts', ['localhost:1.2.3.4']], ['ExtraHosts', ['a b:1.2.3.4']], ['ExtraHosts', 'a:1.2.3.4'], ['PublishAllPorts', true], ['StorageOpt', {}],
    ['PortBindings', { '80/tcp': [{ HostIp: '', HostPort: '80' }] }], ['PortBindings', { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '0' }] }], ['PortBindings', null],
    ['Mounts', null], ['Mounts', [{ ...ours, Source: 'wb-other-vol_a' }]], ['Mounts', [{ ...ours, Source: '/' }]], ['Mounts', [{ ...ours, Source: 'wb-test-vol_a/../../etc' }]], ['Mounts', [{ ...ours, Target: '/data/../etc' }]],
    ['Mounts', [{ ...ours, VolumeOptions: { DriverConfig: { Options: { type: 'none', o: 'bind', device: '/' } } } }]], ['Mounts', [{ ...ours, Type: 'npipe' }]],
    ['Mounts', [{ ...bind, Source: '/etc' }]], ['Mounts', [{ ...bind, Source: '/srv/../etc' }]], ['Mounts', [{ ...bind, BindOptions: { Propagation: 'rshared' } }]], ['Mounts', [{ ...bind, BindOptions: undefined }]],
    ['Mounts', [{ Type: 'tmpfs', Target: '/tmp', TmpfsOptions: { Mode: 0o7777 } }]], ['Mounts', [{ Type: 'tmpfs', Source: '/', Target: '/tmp', TmpfsOptions: {} }]],
  ])('refuses %s: %j', (key, value) => {
    expect(() => checkHostConfig({ ...good, [key]: value }, allowed)).toThrow(ForbiddenConfig);
  });

  it('takes a name for an address that is elsewhere, and a name for a service in its network', () => {
    const target = { name: 'db', kind: 'postgres', version: 1, hostname: 'main-db', address: null, dockerServiceId: 'svc_db', networks: [], port: 5432, user: 'app', database: null, password: { secretId: 'sec_a', version: 1, follows: true } } as const;
    const use = { resourceId: 'res_a', dockerServiceId: null, prefix: null, wait: null, target } as const;
    const dependencies = [use, { ...use, prefix: 'OTHER', target: { ...target, hostname: 'other', address: 'fd00::5', dockerServiceId: null, password: null } }];
    const [first] = assignment.networks;
    const { config } = containerPlanOf({ ...assignment, networks: [{ ...first!, links: ['svc_db:main-db'] }], spec: { ...assignment.spec, dependencies } }, host);
    expect(config.HostConfig.ExtraHosts).toEqual(['other:fd00::5']);
    expect(() => checkHostConfig(config.HostConfig, allowed)).not.toThrow();
    expect(Object.values(config.NetworkingConfig.EndpointsConfig)[0]!.Links).toEqual(['svc_db:main-db']);
    expect(config.Labels['waybill.secrets']).toBe('DB_PASS,DB_URL');
    expect(good.ExtraHosts).toBeUndefined();
  });

  it('takes volumes of its own installation, memory, and folders that the host allows', () => {
    const mounts = [
      { type: 'volume', volumeId: 'vol_a', name: 'uploads', mountPath: '/data', readOnly: false },
      { type: 'tmpfs', mountPath: '/tmp', sizeBytes: MIB },
      { type: 'host_path', source: '/srv/media', mountPath: '/media', readOnly: true },
    ] as const;
    const plan = containerPlanOf(withSpec({ volumes: mounts }), host);
    expect(plan.config.HostConfig.Mounts).toEqual([ours, { Type: 'tmpfs', Target: '/tmp', TmpfsOptions: { SizeBytes: MIB } }, bind]);
    expect(() => checkContainerPlan(plan, 'test', allowed.hostPaths)).not.toThrow();
    expect(() => checkContainerPlan(plan, 'test')).toThrow('Mounts');
    expect(() => checkContainerPlan(plan, 'test', (_, projectId) => projectId !== 'prj_a')).toThrow('Mounts');
  });

  it('refuses a HostConfig that lacks any key', () => {
    for (const key of Object.keys(good)) {
      const { [key as 'Memory']: _left, ...rest } = good;
      expect(() => checkHostConfig(rest, allowed)).toThrow(key);
    }
    expect(() => checkHostConfig(undefined, allowed)).toThrow(ForbiddenConfig);
  });

  it('refuses another network, another installation, and any key beside the known ones', () => {
    const plan = containerPlanOf(assignment, host);
    expect(() => checkContainerPlan(plan, 'test')).not.toThrow();
    expect(() => checkContainerPlan(plan, 'other')).toThrow(ForbiddenConfig);
    expect(() => checkContainerPlan({ ...plan, config: { ...plan.config, Volumes: { '/x': {} } } }, 'test')).toThrow('Volumes');
    expect(() => checkContainerPlan({ ...plan, config: { ...plan.config, NetworkingConfig: { EndpointsConfig: { host: { Aliases: [] } } } } }, 'test')).toThrow('host');
  });
});
