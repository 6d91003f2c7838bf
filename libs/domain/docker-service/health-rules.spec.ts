import { healthViolations } from './health-rules.ts';
import { DEFAULT_HEALTHCHECK, type Healthcheck, type Probe } from './healthcheck.ts';
import { LIMITS } from './violation.ts';

const http: Probe = { type: 'http', path: '/healthz?deep=1', port: 3000 };
const ports = [{ containerPort: 3000, protocol: 'tcp', hostPort: null }, { containerPort: 53, protocol: 'udp', hostPort: null }] as const;
const found = (probe: Probe, parts: Partial<Healthcheck> = {}) => healthViolations({ ...DEFAULT_HEALTHCHECK, ...parts, probe }, ports).map(({ pointer, code }) => `${pointer} ${code}`);

describe('a health check', () => {
  it.each<Probe>([http, { type: 'tcp', port: 3000 }, { type: 'command', command: ['pg_isready', '-q'] }])('may ask $type', (probe) => expect(found(probe)).toEqual([]));

  it('may ask a port that is for health alone, and none that answers no connection', () => {
    expect(found({ type: 'http', path: '/', port: 9_000 })).toEqual([]);
    expect(found({ type: 'tcp', port: 53 })).toEqual(['/healthcheck/port invalid']);
    expect(healthViolations({ ...DEFAULT_HEALTHCHECK, probe: { type: 'tcp', port: 53 } }, [...ports, { containerPort: 53, protocol: 'tcp', hostPort: null }])).toEqual([]);
  });

  it.each<[string, Probe, string[]]>([
    ['a path that is none', { type: 'http', path: 'healthz', port: 80 }, ['/healthcheck/path invalid']],
    ['a path that would begin another header', { type: 'http', path: '/ HTTP/1.1\r\nHost: x', port: 80 }, ['/healthcheck/path invalid']],
    ['a path beyond ASCII', { type: 'http', path: '/gesünder', port: 80 }, ['/healthcheck/path invalid']],
    ['too long a path', { type: 'http', path: `/${'x'.repeat(LIMITS.probePathLength)}`, port: 80 }, ['/healthcheck/path too_long']],
    ['a port that is none', { type: 'tcp', port: 0 }, ['/healthcheck/port out_of_range']],
    ['a command without a program', { type: 'command', command: [] }, ['/healthcheck/command required']],
    ['a NUL in its command', { type: 'command', command: ['a', '\0'] }, ['/healthcheck/command/1 invalid']],
    ['another type', { type: 'grpc' } as never, ['/healthcheck/type invalid']],
  ])('may not have %s', (_, probe, expected) => expect(found(probe)).toEqual(expected));

  it('asks neither too often nor for ever', () =>
    expect(found(http, { intervalMs: 99, timeoutMs: 300_001, healthyThreshold: 0, unhealthyThreshold: 101, onUnhealthy: 'ignore' as 'mark' })).toEqual([
      '/healthcheck/interval_ms out_of_range',
      '/healthcheck/timeout_ms out_of_range',
      '/healthcheck/healthy_threshold out_of_range',
      '/healthcheck/unhealthy_threshold out_of_range',
      '/healthcheck/on_unhealthy invalid',
    ]));
});
