import { deployViolations } from './deploy-rules.ts';
import { DEFAULT_DEPLOY_SETTINGS, type DeploySettings } from './deploy-settings.ts';
import { DEFAULT_HEALTHCHECK, type Healthcheck } from './healthcheck.ts';

const deploy = DEFAULT_DEPLOY_SETTINGS;
const check: Healthcheck = { ...DEFAULT_HEALTHCHECK, probe: { type: 'tcp', port: 80 } };
const found = (parts: Partial<DeploySettings>, with_: Healthcheck | null = null) =>
  deployViolations({ ...deploy, ...parts }, with_).map(({ pointer, code }) => `${pointer} ${code}`);

describe('deploy settings', () => {
  it('are taken as they are when nothing is wrong', () => {
    expect(found({}, check)).toEqual([]);
    expect(found({ strategy: 'recreate', maxSurge: 0, maxUnavailable: '100%', monitorMs: 0, preDeploy: { overrides: { command: ['/bin/sh', '-c', 'x'] }, timeoutMs: 1_000, retries: 2 } })).toEqual([]);
  });

  it.each<[string, Partial<DeploySettings>, string[]]>([
    ['an unknown strategy', { strategy: 'canary' as 'rolling' }, ['/deploy/strategy invalid']],
    ['a share below nothing', { maxSurge: -1 }, ['/deploy/max_surge invalid']],
    ['half a replica', { maxUnavailable: 0.5 }, ['/deploy/max_unavailable invalid']],
    ['a percentage above the whole', { maxSurge: '101%' }, ['/deploy/max_surge invalid']],
    ['a percentage without its sign', { maxSurge: '25' }, ['/deploy/max_surge invalid']],
    ['a wait beyond a day', { progressDeadlineMs: 86_400_001, monitorMs: 86_400_001 }, ['/deploy/progress_deadline_ms out_of_range', '/deploy/monitor_ms out_of_range']],
    ['a hook without any end', { postDeploy: { overrides: {}, timeoutMs: 0, retries: 99 } }, ['/deploy/post_deploy/timeout_ms out_of_range', '/deploy/post_deploy/retries out_of_range']],
    ['a hook that runs nothing, with a wrong key', { preDeploy: { overrides: { command: [], env: { '1': '' } }, timeoutMs: 1_000, retries: 0 } }, ['/deploy/pre_deploy/command required', '/deploy/pre_deploy/env/1 invalid']],
  ])('may not have %s', (_, parts, expected) => expect(found(parts)).toEqual(expected));

  it('end every wait within a day', () =>
    expect(found({ minHealthyMs: -1, healthyDeadlineMs: 0, progressDeadlineMs: 86_400_001, maxFailures: 0.5 })).toEqual([
      '/deploy/min_healthy_ms out_of_range',
      '/deploy/healthy_deadline_ms out_of_range',
      '/deploy/progress_deadline_ms out_of_range',
      '/deploy/max_failures out_of_range',
    ]));

  it('leave a replica time to count as started', () => {
    expect(found({ minHealthyMs: 9_999, healthyDeadlineMs: 10_000 })).toEqual([]);
    expect(found({ minHealthyMs: 10_000, healthyDeadlineMs: 10_000 })).toEqual(['/deploy/healthy_deadline_ms out_of_range']);
  });

  it('leave time for the probes that make it healthy, too', () => {
    const slow = { ...check, healthyThreshold: 4, intervalMs: 20_000 };
    expect(found({ minHealthyMs: 10_000, healthyDeadlineMs: 70_001 }, slow)).toEqual([]);
    expect(deployViolations({ ...deploy, minHealthyMs: 10_000, healthyDeadlineMs: 70_000 }, slow)).toEqual([
      { pointer: '/deploy/healthy_deadline_ms', code: 'out_of_range', message: 'must be above 70000: 4 probes in a row take 60000 ms, and min_healthy_ms comes after them' },
    ]);
  });

  it('are pointed at where they stand', () => expect(deployViolations({ ...deploy, maxSurge: 'all' }, null, '')).toMatchObject([{ pointer: '/max_surge' }]));
});
