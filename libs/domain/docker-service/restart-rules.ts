import type { RestartPolicy } from './restart-policy.ts';
import { retriesTakeMs } from './restart-schedule.ts';
import { LIMITS, oneOf, violation, wholeNumber, type Violation } from './violation.ts';

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
  const least = retriesTakeMs(policy);
  if (!maxRetries || windowMs === null || windowMs > least) return [];
  return [violation(`${at}/window_ms`, 'out_of_range', `must be above ${least}: so long do ${maxRetries} retries wait; leave it out to have it wide enough`)];
}
