import { parseImageReference } from '../image/reference.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { Amount, Resources } from '../kernel/units.ts';
import { isName, NAME_RULE } from '../project/name.ts';
import { mountViolations } from '../volume/mount-rules.ts';
import { constraintFlaw } from './constraint.ts';
import type { ContainerSpec, Port } from './events.ts';
import { healthViolations } from './health-rules.ts';
import { restartViolations } from './restart-rules.ts';
import { configViolations, secretViolations } from './value-rules.ts';
import { argvViolations, escaped, LIMITS, textViolations, violation, wholeNumber, type Violation } from './violation.ts';

/** Every violation of what shapes a container, in the order of its fields; a job's is judged by the same rules. */
export const specViolations = (spec: ContainerSpec): readonly Violation[] => [
  ...partViolations(spec),
  ...restartViolations(spec.restartPolicy),
  ...(spec.healthcheck ? healthViolations(spec.healthcheck, spec.ports) : []),
];

/** The same of those fields that are given, for what overrides a whole spec: their policy and check aside. */
export const partViolations = (parts: Partial<ContainerSpec>): readonly Violation[] => [
  ...(parts.image === undefined ? [] : imageViolations(parts.image)),
  ...(parts.command ? commandViolations(parts.command) : []),
  ...(parts.args ? argvViolations('/args', parts.args) : []),
  ...(parts.env ? envViolations(parts.env) : []),
  ...(parts.ports ? portViolations(parts.ports) : []),
  ...(parts.resources ? resourcesViolations(parts.resources) : []),
  ...(parts.labels ? labelViolations(parts.labels) : []),
  ...(parts.constraints ? constraintViolations(parts.constraints) : []),
  ...(parts.volumes ? mountViolations(parts.volumes) : []),
  ...(parts.secrets ? secretViolations(parts.secrets, parts.env ?? {}) : []),
  ...(parts.configs ? configViolations(parts.configs) : []),
];

export const nameViolations = (name: string): readonly Violation[] => (isName(name) ? [] : [violation('/name', 'invalid', `must be ${NAME_RULE}`)]);

export const replicasViolations = (replicas: number): readonly Violation[] => wholeNumber('/replicas', replicas, 0, LIMITS.replicas);

/** `at` is where the resources stand in the body. */
export function resourcesViolations({ request, limit }: Resources, at = '/resources'): readonly Violation[] {
  const each = [...amountViolations(`${at}/request`, request), ...amountViolations(`${at}/limit`, limit)];
  if (each.length) return each;
  const above = (pointer: string): Violation => violation(`${at}/request/${pointer}`, 'out_of_range', 'must not be above the limit');
  return [
    ...(request.cpuMillis > limit.cpuMillis ? [above('cpu_millis')] : []),
    ...(request.memoryBytes > limit.memoryBytes ? [above('memory_bytes')] : []),
  ];
}

function imageViolations(image: string): readonly Violation[] {
  try {
    parseImageReference(image);
    return [];
  } catch (error) {
    if (error instanceof Rejection) return [violation('/image', error.code, error.detail)];
    throw error;
  }
}

function commandViolations(command: readonly string[]): readonly Violation[] {
  if (!command[0]) return [violation(command.length ? '/command/0' : '/command', 'required', 'must name a program; leave it out to keep that of the image')];
  return argvViolations('/command', command);
}

const ENV_KEY = /^[A-Za-z_][-A-Za-z0-9_.]*$/;

function envViolations(env: ContainerSpec['env']): readonly Violation[] {
  const entries = Object.entries(env);
  if (entries.length > LIMITS.envKeys) return [violation('/env', 'too_many', `must be at most ${LIMITS.envKeys} keys`)];
  return entries.flatMap(([key, value]) => {
    const pointer = `/env/${escaped(key)}`;
    if (key.length > LIMITS.keyLength) return [violation(pointer, 'too_long', `the key must be at most ${LIMITS.keyLength} characters`)];
    if (!ENV_KEY.test(key)) return [violation(pointer, 'invalid', 'the key must begin with a letter or _ and go on with letters, digits, _, . or -')];
    return textViolations(pointer, value);
  });
}

function portViolations(ports: readonly Port[]): readonly Violation[] {
  if (ports.length > LIMITS.ports) return [violation('/ports', 'too_many', `must be at most ${LIMITS.ports} ports`)];
  const inside = new Set<string>();
  const published = new Set<string>();
  return ports.flatMap(({ containerPort, protocol, hostPort }, index) => {
    const at = `/ports/${index}`;
    const range = [
      ...wholeNumber(`${at}/container_port`, containerPort, 1, 65_535),
      ...(hostPort === null ? [] : wholeNumber(`${at}/host_port`, hostPort, 1, 65_535)),
      ...(protocol === 'tcp' || protocol === 'udp' ? [] : [violation(`${at}/protocol`, 'invalid', 'must be tcp or udp')]),
    ];
    if (range.length) return range;
    return [
      ...once(inside, `${containerPort}/${protocol}`, `${at}/container_port`),
      ...(hostPort === null ? [] : once(published, `${hostPort}/${protocol}`, `${at}/host_port`)),
    ];
  });
}

function once(seen: Set<string>, key: string, pointer: string): readonly Violation[] {
  if (seen.has(key)) return [violation(pointer, 'duplicate', `${key} is given twice`)];
  seen.add(key);
  return [];
}

const LABEL_KEY = /^[A-Za-z0-9](?:[-A-Za-z0-9._/]*[A-Za-z0-9])?$/;
const RESERVED = 'waybill.';

export function labelViolations(labels: ContainerSpec['labels']): readonly Violation[] {
  const entries = Object.entries(labels);
  if (entries.length > LIMITS.labels) return [violation('/labels', 'too_many', `must be at most ${LIMITS.labels} labels`)];
  return entries.flatMap(([key, value]) => {
    const pointer = `/labels/${escaped(key)}`;
    if (key.length > LIMITS.keyLength) return [violation(pointer, 'too_long', `the key must be at most ${LIMITS.keyLength} characters`)];
    if (!LABEL_KEY.test(key)) return [violation(pointer, 'invalid', 'the key must be letters, digits, -, _, . and /, beginning and ending with a letter or digit')];
    if (key.toLowerCase().startsWith(RESERVED)) return [violation(pointer, 'reserved', `keys that begin with ${RESERVED} are the platform's own`)];
    return textViolations(pointer, value);
  });
}

function constraintViolations(constraints: readonly string[]): readonly Violation[] {
  if (constraints.length > LIMITS.constraints) return [violation('/constraints', 'too_many', `must be at most ${LIMITS.constraints} constraints`)];
  return constraints.flatMap((text, index) => {
    const flaw = constraintFlaw(text);
    return flaw ? [violation(`/constraints/${index}`, 'invalid', flaw)] : [];
  });
}

function amountViolations(pointer: string, { cpuMillis, memoryBytes }: Amount): readonly Violation[] {
  return [
    ...wholeNumber(`${pointer}/cpu_millis`, cpuMillis, LIMITS.minCpuMillis, LIMITS.maxCpuMillis),
    ...wholeNumber(`${pointer}/memory_bytes`, memoryBytes, LIMITS.minMemoryBytes, LIMITS.maxMemoryBytes),
  ];
}
