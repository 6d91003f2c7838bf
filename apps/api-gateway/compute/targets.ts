import { shaped, type Flaw } from '../edge/shapes.ts';

/** What this build serves. */
export const LOGGING_TARGETS = ['local_only'] as const;
export const METRICS_TARGETS = ['prometheus', 'none'] as const;

/** Known, and not served yet. */
const LATER_LOGGING = ['loki', 'elasticsearch', 'syslog', 'google_cloud_logging', 'http'];
const LATER_METRICS = ['remote_write'];

/** Where output goes: what can't be served is refused, never stored silently. */
export const IsLoggingTarget = shaped('loggingTarget', (value) =>
  targetFlaws(value, LOGGING_TARGETS, LATER_LOGGING, 'leave logging_target out and ship what GET …/logs?follow=true&format=jsonl gives'),
);

/** Where figures go, likewise. */
export const IsMetricsTarget = shaped('metricsTarget', (value) =>
  targetFlaws(value, METRICS_TARGETS, LATER_METRICS, 'let a Prometheus scrape /metrics, and let that one write to where they are to go'),
);

function targetFlaws(value: unknown, served: readonly string[], later: readonly string[], wayOut: string): readonly Flaw[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [{ path: [], detail: `must be an object like {"type": "${served[0]}"}` }];
  const { type, ...more } = value as Record<string, unknown>;
  const choice = served.map((each) => `"${each}"`).join(' or ');
  if (typeof type === 'string' && later.includes(type)) return [{ path: ['type'], code: 'unsupported', detail: `this build does not serve ${type} yet: ${wayOut}` }];
  if (typeof type !== 'string' || !served.includes(type)) return [{ path: ['type'], detail: `must be ${choice}` }];
  return Object.keys(more).map((name) => ({ path: [name], code: 'unknown_field', detail: `no such field: ${name}` }));
}
