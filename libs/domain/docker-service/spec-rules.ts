import { parseImageReference } from '../image/reference.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { Amount, Resources } from '../kernel/units.ts';
import { isName, NAME_RULE } from '../project/name.ts';
import { constraintFlaw } from './constraint.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { ContainerSpec, Port } from './events.ts';

/** One wrong field: where in the REST body (RFC 6901, snake_case), which rule, and what would be right. */
export interface Violation {
  readonly pointer: string;
  /** Stable: `required`, `invalid`, `out_of_range`, `duplicate`, `reserved`, `too_many`, `too_long`, `image.invalid_reference`. */
  readonly code: string;
  readonly message: string;
}

const MIB = 1024 ** 2;

/** What a value may be at most. Generous: they keep nonsense out, quotas keep tenants apart. */
export const LIMITS = {
  replicas: 1000,
  /** The engine's own least: 0.01 CPU and 6 MiB. */
  minCpuMillis: 10,
  minMemoryBytes: 6 * MIB,
  maxCpuMillis: 1_024_000,
  maxMemoryBytes: 64 * MIB * MIB,
  envKeys: 500,
  labels: 100,
  ports: 64,
  constraints: 32,
  argv: 256,
  /** Characters of one env value or argument; the kernel takes 128 KiB. */
  textLength: 32_768,
  keyLength: 255,
  maxDurationMs: 24 * 3_600_000,
} as const;

/** Every violation of a new service, in the order of its fields; none where it may be created. */
export function serviceViolations(service: {
  readonly name: string;
  readonly kind: 'web' | 'worker';
  readonly replicas: number;
  readonly deploy: DeploySettings;
  readonly spec: ContainerSpec;
}): readonly Violation[] {
  return [
    ...nameViolations(service.name),
    ...(service.kind === 'web' && !service.spec.ports.length ? [violation('/ports', 'required', 'a web service needs a port: give one, or make it a worker')] : []),
    ...specViolations(service.spec),
    ...replicasViolations(service.replicas),
    ...deployViolations(service.deploy),
  ];
}

/** Every violation of what shapes a container; a job's is judged by the same rules. */
export function specViolations(spec: ContainerSpec): readonly Violation[] {
  return [
    ...imageViolations(spec.image),
    ...argvViolations('/command', spec.command),
    ...argvViolations('/args', spec.args),
    ...envViolations(spec.env),
    ...portViolations(spec.ports),
    ...resourcesViolations(spec.resources),
    ...labelViolations(spec.labels),
    ...constraintViolations(spec.constraints),
  ];
}

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

export function deployViolations(deploy: DeploySettings): readonly Violation[] {
  const each = [
    ...wholeNumber('/deploy/min_healthy_ms', deploy.minHealthyMs, 0, LIMITS.maxDurationMs),
    ...wholeNumber('/deploy/healthy_deadline_ms', deploy.healthyDeadlineMs, 1, LIMITS.maxDurationMs),
    ...wholeNumber('/deploy/progress_deadline_ms', deploy.progressDeadlineMs, 1, LIMITS.maxDurationMs),
    ...wholeNumber('/deploy/max_failures', deploy.maxFailures, 0, LIMITS.replicas),
  ];
  if (each.length || deploy.minHealthyMs < deploy.healthyDeadlineMs) return each;
  return [violation('/deploy/healthy_deadline_ms', 'out_of_range', 'must be above min_healthy_ms: no replica could ever count as started')];
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

function argvViolations(pointer: string, argv: readonly string[] | null): readonly Violation[] {
  if (argv === null) return [];
  if (argv.length > LIMITS.argv) return [violation(pointer, 'too_many', `must be at most ${LIMITS.argv} items`)];
  if (pointer === '/command' && !argv[0]) return [violation(argv.length ? '/command/0' : pointer, 'required', 'must name a program; leave it out to keep that of the image')];
  return argv.flatMap((text, index) => textViolations(`${pointer}/${index}`, text));
}

const ENV_KEY = /^[A-Za-z_][-A-Za-z0-9_.]*$/;

function envViolations(env: ContainerSpec['env']): readonly Violation[] {
  const entries = Object.entries(env);
  if (entries.length > LIMITS.envKeys) return [violation('/env', 'too_many', `must be at most ${LIMITS.envKeys} keys`)];
  return entries.flatMap(([key, value]) => {
    const pointer = `/env/${escape(key)}`;
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
    const pointer = `/labels/${escape(key)}`;
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

/** Control characters but tab and line ends; a NUL would cut the value short in the kernel. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

function textViolations(pointer: string, text: string): readonly Violation[] {
  if (text.length > LIMITS.textLength) return [violation(pointer, 'too_long', `must be at most ${LIMITS.textLength} characters`)];
  if (CONTROL.test(text)) return [violation(pointer, 'invalid', 'must hold no control characters but tab and line ends')];
  if (!text.isWellFormed()) return [violation(pointer, 'invalid', 'must be well-formed Unicode')];
  return [];
}

function wholeNumber(pointer: string, value: number, least: number, most: number): readonly Violation[] {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return [];
  return [violation(pointer, 'out_of_range', `must be a whole number from ${least} to ${most}`)];
}

const violation = (pointer: string, code: string, message: string): Violation => ({ pointer, code, message });

/** RFC 6901 §3. */
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
