/** One wrong field: where in the REST body (RFC 6901, snake_case), which rule, and what would be right. */
export interface Violation {
  readonly pointer: string;
  /** Stable: `required`, `invalid`, `out_of_range`, `duplicate`, `reserved`, `exclusive`, `too_many`, `too_long`, `image.invalid_reference`. */
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
  volumes: 64,
  constraints: 32,
  argv: 256,
  /** Characters of one env value or argument; the kernel takes 128 KiB. */
  textLength: 32_768,
  keyLength: 255,
  maxDurationMs: 24 * 3_600_000,
  maxRetries: 1000,
  /** Oftener than this a probe is load, not a question. */
  minProbeIntervalMs: 100,
  maxProbeTimeoutMs: 300_000,
  threshold: 100,
  probePathLength: 2_048,
} as const;

export const violation = (pointer: string, code: string, message: string): Violation => ({ pointer, code, message });

/** None where `value` is a whole number from `least` to `most`. */
export function wholeNumber(pointer: string, value: number, least: number, most: number): readonly Violation[] {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return [];
  return [violation(pointer, 'out_of_range', `must be a whole number from ${least} to ${most}`)];
}

/** None where `value` is one of `allowed`; the edge has said so before, this is for whoever comes another way. */
export const oneOf = (pointer: string, value: string, allowed: readonly string[]): readonly Violation[] =>
  allowed.includes(value) ? [] : [violation(pointer, 'invalid', `must be one of ${allowed.join(', ')}`)];

/** Control characters but tab and line ends; a NUL would cut the value short in the kernel. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** What is wrong with a text that a container is given. */
export function textViolations(pointer: string, text: string): readonly Violation[] {
  if (text.length > LIMITS.textLength) return [violation(pointer, 'too_long', `must be at most ${LIMITS.textLength} characters`)];
  if (CONTROL.test(text)) return [violation(pointer, 'invalid', 'must hold no control characters but tab and line ends')];
  if (!text.isWellFormed()) return [violation(pointer, 'invalid', 'must be well-formed Unicode')];
  return [];
}

/** What is wrong with a program and its arguments, or with arguments alone. */
export function argvViolations(pointer: string, argv: readonly string[]): readonly Violation[] {
  if (argv.length > LIMITS.argv) return [violation(pointer, 'too_many', `must be at most ${LIMITS.argv} items`)];
  return argv.flatMap((text, index) => textViolations(`${pointer}/${index}`, text));
}

/** A key as one segment of a pointer. RFC 6901 §3. */
export const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
