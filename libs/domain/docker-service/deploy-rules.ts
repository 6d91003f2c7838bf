import { JOB_TIMEOUT, MAX_JOB_RETRIES } from '../job/decide.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { Healthcheck } from './healthcheck.ts';
import type { Hook } from './hook.ts';
import { partViolations } from './spec-rules.ts';
import { LIMITS, oneOf, violation, wholeNumber, type Violation } from './violation.ts';

/** Every violation of how a service is moved to a release. `check` is that of the release, which has to fit into the deadline.
 *  @param at where the settings stand in the body: `/deploy`, or nowhere where they are the body. */
export function deployViolations(deploy: DeploySettings, check: Healthcheck | null = null, at = '/deploy'): readonly Violation[] {
  const each = [
    ...oneOf(`${at}/strategy`, deploy.strategy, ['rolling', 'recreate']),
    ...shareViolations(`${at}/max_surge`, deploy.maxSurge),
    ...shareViolations(`${at}/max_unavailable`, deploy.maxUnavailable),
    ...wholeNumber(`${at}/min_healthy_ms`, deploy.minHealthyMs, 0, LIMITS.maxDurationMs),
    ...wholeNumber(`${at}/healthy_deadline_ms`, deploy.healthyDeadlineMs, 1, LIMITS.maxDurationMs),
    ...wholeNumber(`${at}/progress_deadline_ms`, deploy.progressDeadlineMs, 1, LIMITS.maxDurationMs),
    ...wholeNumber(`${at}/max_failures`, deploy.maxFailures, 0, LIMITS.replicas),
    ...wholeNumber(`${at}/monitor_ms`, deploy.monitorMs, 0, LIMITS.maxDurationMs),
    ...hookViolations(`${at}/pre_deploy`, deploy.preDeploy),
    ...hookViolations(`${at}/post_deploy`, deploy.postDeploy),
  ];
  return each.length ? each : deadlineViolations(deploy, check, at);
}

/** Nothing could ever count as started. */
function deadlineViolations({ minHealthyMs, healthyDeadlineMs }: DeploySettings, check: Healthcheck | null, at: string): readonly Violation[] {
  if (minHealthyMs >= healthyDeadlineMs) return [violation(`${at}/healthy_deadline_ms`, 'out_of_range', 'must be above min_healthy_ms: no replica could ever count as started')];
  const asked = check ? (check.healthyThreshold - 1) * check.intervalMs : 0;
  if (asked + minHealthyMs < healthyDeadlineMs) return [];
  const message = `must be above ${asked + minHealthyMs}: ${check?.healthyThreshold} probes in a row take ${asked} ms, and min_healthy_ms comes after them`;
  return [violation(`${at}/healthy_deadline_ms`, 'out_of_range', message)];
}

const PERCENT = /^(?:100|\d{1,2})%$/;

/** A number of replicas, or a percentage of those wanted; null is the default. */
function shareViolations(pointer: string, share: number | string | null): readonly Violation[] {
  if (share === null) return [];
  const isSound = typeof share === 'number' ? Number.isSafeInteger(share) && share >= 0 && share <= LIMITS.replicas : PERCENT.test(share);
  return isSound ? [] : [violation(pointer, 'invalid', `must be a whole number from 0 to ${LIMITS.replicas}, or a percentage like "25%"`)];
}

function hookViolations(at: string, hook: Hook | null): readonly Violation[] {
  if (!hook) return [];
  return [
    ...partViolations(hook.overrides).map((each) => ({ ...each, pointer: `${at}${each.pointer}` })),
    ...wholeNumber(`${at}/timeout_ms`, hook.timeoutMs, JOB_TIMEOUT.minMs, JOB_TIMEOUT.maxMs),
    ...wholeNumber(`${at}/retries`, hook.retries, 0, MAX_JOB_RETRIES),
  ];
}
