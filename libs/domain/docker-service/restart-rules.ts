import type { RestartPolicy } from './restart-policy.ts';
import { LIMITS, oneOf, violation, wholeNumber, type Violation } from './violation.ts';

/** Without a `delay_ms`, and as the longest of an exponential one. Milliseconds; semantics of restarts. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** Every violation of a restart policy; pointers are those of the creating body. */
export function restartViolations(policy: RestartPolicy): readonly Violation[] {
  const { name, maxRetries, delayMs, windowMs, backoff, onExhausted } = policy;
  const at = '/restart_policy';
  const each = [
    ...oneOf(`${at}/name`, name, ['always', 'unless-stopped', 'on-failure', 'no']),
    ...wholeNumber(`${at}/max_retries`, maxRetries, 0, LIMITS.maxRetries),
    ...(delayMs === null ? [] : wholeNumber(`${at}/delay_ms`, delayMs, 0, LIMITS.maxDurationMs)),
    ...(windowMs === null ? [] : wholeNumber(`${at}/window_ms`, windowMs, 1, LIMITS.maxDurationMs)),
    ...oneOf(`${at}/backoff`, backoff, ['constant', 'exponential']),
    ...oneOf(`${at}/on_exhausted`, onExhausted, ['fail', 'replace']),
  ];
  if (each.length) return each;
  return [...unlimitedViolations(policy, at), ...windowViolations(policy, at)];
}

/** A delay that stays the same has to be said. */
const unlimitedViolations = ({ backoff, delayMs }: RestartPolicy, at: string): readonly Violation[] =>
  backoff === 'constant' && delayMs === null ? [violation(`${at}/delay_ms`, 'required', 'a constant backoff needs its delay: give one, or leave backoff out')] : [];

/** In too short a window the retries could never be counted to their end: it would be restarted for ever. */
function windowViolations(policy: RestartPolicy, at: string): readonly Violation[] {
  const { maxRetries, windowMs } = policy;
  const least = delaysMs(policy);
  if (!maxRetries || windowMs === null || windowMs > least) return [];
  return [violation(`${at}/window_ms`, 'out_of_range', `must be above ${least}: so long do ${maxRetries} retries wait; leave it out to have it wide enough`)];
}

/** How long `maxRetries` restarts in a row wait at most, the runs between them left out. Milliseconds. */
export function delaysMs({ maxRetries, delayMs, backoff }: Pick<RestartPolicy, 'maxRetries' | 'delayMs' | 'backoff'>): number {
  if (backoff === 'constant') return maxRetries * (delayMs ?? 0);
  const first = delayMs ?? FIRST_MS;
  const longest = Math.max(first, LONGEST_MS);
  let sum = 0;
  // The first restart comes at once.
  for (let retry = 2; retry <= maxRetries; retry += 1) sum += Math.min(first * 2 ** Math.min(retry - 2, 30), longest);
  return sum;
}
