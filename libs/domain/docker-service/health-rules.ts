import type { Port } from './events.ts';
import type { Healthcheck, Probe } from './healthcheck.ts';
import { argvViolations, LIMITS, oneOf, violation, wholeNumber, type Violation } from './violation.ts';

/** Every violation of a health check; pointers are those of the creating body.
 *  A port that the service doesn't have may be asked all the same: one that only tells of health needn't be said to anybody else. */
export const healthViolations = (check: Healthcheck, ports: readonly Port[]): readonly Violation[] => [
  ...probeViolations(check.probe, ports),
  ...wholeNumber(`${AT}/interval_ms`, check.intervalMs, LIMITS.minProbeIntervalMs, LIMITS.maxDurationMs),
  ...wholeNumber(`${AT}/timeout_ms`, check.timeoutMs, 1, LIMITS.maxProbeTimeoutMs),
  ...wholeNumber(`${AT}/healthy_threshold`, check.healthyThreshold, 1, LIMITS.threshold),
  ...wholeNumber(`${AT}/unhealthy_threshold`, check.unhealthyThreshold, 1, LIMITS.threshold),
  ...oneOf(`${AT}/on_unhealthy`, check.onUnhealthy, ['restart', 'mark']),
];

const AT = '/healthcheck';

function probeViolations(probe: Probe, ports: readonly Port[]): readonly Violation[] {
  switch (probe.type) {
    case 'http':
      return [...pathViolations(probe.path), ...portViolations(probe.port, ports)];
    case 'tcp':
      return portViolations(probe.port, ports);
    case 'command':
      if (!probe.command[0]) return [violation(`${AT}/command`, 'required', 'must name a program that runs in the container')];
      return argvViolations(`${AT}/command`, probe.command);
    default:
      return [violation(`${AT}/type`, 'invalid', 'must be http, tcp or command')];
  }
}

/** What may stand in the first line of an HTTP request, RFC 9112 §3.2.1; a fragment is never sent. */
const PATH = /^\/[\x21\x22\x24-\x7e]*$/;

function pathViolations(path: string): readonly Violation[] {
  if (path.length > LIMITS.probePathLength) return [violation(`${AT}/path`, 'too_long', `must be at most ${LIMITS.probePathLength} characters`)];
  return PATH.test(path) ? [] : [violation(`${AT}/path`, 'invalid', 'must begin with / and hold no space, no # and nothing beyond ASCII')];
}

/** Where the port is said to speak UDP only, no connection can ever come about. */
function portViolations(port: number, ports: readonly Port[]): readonly Violation[] {
  const range = wholeNumber(`${AT}/port`, port, 1, 65_535);
  if (range.length) return range;
  const declared = ports.filter(({ containerPort }) => containerPort === port);
  if (!declared.length || declared.some(({ protocol }) => protocol === 'tcp')) return [];
  return [violation(`${AT}/port`, 'invalid', `port ${port} is given as UDP, which answers no connection: ask another one, or use a command`)];
}
