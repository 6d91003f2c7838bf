import { DEFAULT_DEPLOY_SETTINGS } from './deploy-settings.ts';
import { ALWAYS } from './restart-policy.ts';
import { DEFAULT_TARGETS } from './targets.ts';
import type { ContainerSpec, Port } from './events.ts';
import { serviceViolations } from './service-rules.ts';
import { nameViolations, partViolations, replicasViolations, resourcesViolations, specViolations } from './spec-rules.ts';
import { LIMITS } from './violation.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const sound: ContainerSpec = {
  image: 'docker.io/library/nginx:1.27',
  pullPolicy: 'missing',
  command: ['node'],
  args: ['server.js', '--text', 'two\nlines\tand a tab'],
  env: { PORT: '3000', 'discovery.type': 'single-node', _: '', KEY: '-----BEGIN\nEND-----\n' },
  ports: [
    { containerPort: 3000, protocol: 'tcp', hostPort: null },
    { containerPort: 3000, protocol: 'udp', hostPort: 8080 },
  ],
  plan: null,
  resources: { request: { cpuMillis: 100, memoryBytes: 134_217_728 }, limit: amount },
  labels: { team: 'shop', 'com.example/owner': 'Jörg' },
  constraints: ['node.labels.zone==a'],
  restartPolicy: ALWAYS,
  healthcheck: null, ...DEFAULT_TARGETS,
};
const port = (containerPort: number, hostPort: number | null = null): Port => ({ containerPort, protocol: 'tcp', hostPort });
const found = (parts: Partial<ContainerSpec>) => specViolations({ ...sound, ...parts }).map(({ pointer, code }) => `${pointer} ${code}`);

describe('the spec of a container', () => {
  it('is taken as it is when nothing is wrong', () => expect(specViolations(sound)).toEqual([]));

  it.each<[string, Partial<ContainerSpec>, string[]]>([
    ['an image that is no reference', { image: 'My App' }, ['/image image.invalid_reference']],
    ['an empty command', { command: [] }, ['/command required']],
    ['a command without a program', { command: ['', 'x'] }, ['/command/0 required']],
    ['a NUL in an argument', { args: ['a', 'b\0c'] }, ['/args/1 invalid']],
    ['an escape character in an argument', { args: ['\u001b[2J'] }, ['/args/0 invalid']],
    ['half a surrogate pair', { env: { A: '\ud800' } }, ['/env/A invalid']],
    ['too long a value', { env: { A: 'x'.repeat(LIMITS.textLength + 1) } }, ['/env/A too_long']],
    ['too long a key', { env: { ['A'.repeat(256)]: '' } }, [`/env/${'A'.repeat(256)} too_long`]],
    ['a key that begins with a digit, is empty, or has an =', { env: { '1A': '', '': '', 'A=B': '' } }, ['/env/1A invalid', '/env/ invalid', '/env/A=B invalid']],
    ['a key that needs escaping in a pointer', { env: { 'a/b~c': '' } }, ['/env/a~1b~0c invalid']],
    ['a NUL in a value', { env: { A: 'x\0' } }, ['/env/A invalid']],
    ['too many keys', { env: Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`K${i}`, ''])) }, ['/env too_many']],
    ['ports out of range', { ports: [port(0), port(65_536), port(80, 0), port(81, 70_000)] }, ['/ports/0/container_port out_of_range', '/ports/1/container_port out_of_range', '/ports/2/host_port out_of_range', '/ports/3/host_port out_of_range']],
    ['a port that is no whole number', { ports: [port(80.5)] }, ['/ports/0/container_port out_of_range']],
    ['an unknown protocol', { ports: [{ ...port(80), protocol: 'sctp' as 'tcp' }] }, ['/ports/0/protocol invalid']],
    ['a port twice', { ports: [port(80), port(80)] }, ['/ports/1/container_port duplicate']],
    ['a host port twice', { ports: [port(80, 8080), port(81, 8080)] }, ['/ports/1/host_port duplicate']],
    ['a label of the platform', { labels: { 'waybill.replica_id': 'x', 'Waybill.x': 'y' } }, ['/labels/waybill.replica_id reserved', '/labels/Waybill.x reserved']],
    ['a label key with a space', { labels: { 'a b': 'x' } }, ['/labels/a b invalid']],
    ['a constraint that cannot be read', { constraints: ['node.name==a', 'zone=a'] }, ['/constraints/1 invalid']],
  ])('may not have %s', (_, parts, expected) => expect(found(parts)).toEqual(expected));

  it('lists every wrong field at once, in the order of the fields', () =>
    expect(found({ image: '', env: { '1': '' }, ports: [port(0)], constraints: ['x'] })).toEqual([
      '/image image.invalid_reference',
      '/env/1 invalid',
      '/ports/0/container_port out_of_range',
      '/constraints/0 invalid',
    ]));
});

it('a spec of which only a part is given is judged by that part', () => {
  expect(partViolations({})).toEqual([]);
  expect(partViolations({ command: [], env: { '1': '' } }).map(({ pointer }) => pointer)).toEqual(['/command', '/env/1']);
});

describe('resources', () => {
  const found = (request: Partial<typeof amount>, limit: Partial<typeof amount> = {}) =>
    resourcesViolations({ request: { ...amount, ...request }, limit: { ...amount, ...limit } }).map(({ pointer, message }) => `${pointer} ${message}`);

  it('may request just the limit', () => expect(found({})).toEqual([]));

  it('may not request more than the limit', () =>
    expect(found({ cpuMillis: 251, memoryBytes: 268_435_457 })).toEqual([
      '/resources/request/cpu_millis must not be above the limit',
      '/resources/request/memory_bytes must not be above the limit',
    ]));

  it('are at least what the engine takes', () => {
    expect(found({ memoryBytes: 6_291_456, cpuMillis: 10 })).toEqual([]);
    expect(found({ memoryBytes: 6_291_455 })).toEqual(['/resources/request/memory_bytes must be a whole number from 6291456 to 70368744177664']);
    expect(found({}, { cpuMillis: 9 })).toEqual(['/resources/limit/cpu_millis must be a whole number from 10 to 1024000']);
  });

  it.each([Number.NaN, Infinity, -1, 0.5])('may not be %d', (cpuMillis) => expect(found({ cpuMillis })).toHaveLength(1));
});

describe('a service', () => {
  const service = { name: 'api', kind: 'web', replicas: 3, deploy: DEFAULT_DEPLOY_SETTINGS, spec: sound } as const;

  it('is taken as it is when nothing is wrong', () => expect(serviceViolations(service)).toEqual([]));

  it('needs a port to be a web service, and none to be a worker', () => {
    const portless = { ...service, spec: { ...sound, ports: [] } };
    expect(serviceViolations(portless)).toEqual([{ pointer: '/ports', code: 'required', message: 'a web service needs a port: give one, or make it a worker' }]);
    expect(serviceViolations({ ...portless, kind: 'worker' })).toEqual([]);
  });

  it.each(['a', 'a1', '1a', 'a-b', 'x'.repeat(63)])('may be named %s', (name) => expect(nameViolations(name)).toEqual([]));
  it.each(['', '-a', 'a-', 'A', 'a_b', 'a.b', 'ä', 'a\n', 'x'.repeat(64)])('may not be named %j', (name) => expect(nameViolations(name)).toHaveLength(1));

  it('has 0 to 1000 replicas', () => {
    expect([0, 1, 1000].flatMap(replicasViolations)).toEqual([]);
    expect([-1, 1001, 0.5].flatMap(replicasViolations)).toHaveLength(3);
  });
});
