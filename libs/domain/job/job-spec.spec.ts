import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import { ALWAYS, NO_RESTART } from '../docker-service/restart-policy.ts';
import type { ContainerSpec } from '../docker-service/events.ts';
import { hookJob, jobSpecOf, releaseSpecOf } from './job-spec.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const release: ContainerSpec = {
  image: 'docker.io/library/web:2',
  pullPolicy: 'always',
  command: ['node'],
  args: ['server.js'],
  env: { PORT: '80' },
  ports: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }],
  plan: 'small',
  resources: { request: amount, limit: amount },
  labels: { team: 'shop' },
  constraints: ['node.labels.zone==a'],
  restartPolicy: ALWAYS,
  healthcheck: { probe: { type: 'tcp', port: 80 }, intervalMs: 1, timeoutMs: 1, healthyThreshold: 1, unhealthyThreshold: 1, onUnhealthy: 'mark' },
  ...DEFAULT_TARGETS,
};
const job = { ports: [], restartPolicy: NO_RESTART, healthcheck: null };

describe('what a job of a release runs', () => {
  it('is all of it, but for ports, check and restarts', () => expect(jobSpecOf(release, {})).toEqual({ ...release, ...job }));

  it('has each given field in place of the release\'s, and passes over what is not given', () =>
    expect(jobSpecOf(release, { env: { A: '1' }, labels: undefined })).toEqual({ ...release, ...job, env: { A: '1' } }));

  it('drops the arguments with the command that they were for', () => {
    expect(jobSpecOf(release, { command: ['bin/migrate'] })).toMatchObject({ command: ['bin/migrate'], args: null });
    expect(jobSpecOf(release, { command: ['node'], args: ['migrate.js'] })).toMatchObject({ command: ['node'], args: ['migrate.js'] });
    expect(jobSpecOf(release, { args: ['migrate.js'] })).toMatchObject({ command: ['node'], args: ['migrate.js'] });
  });

  it('says of no plan that resources of its own came from it', () => {
    const resources = { request: amount, limit: { ...amount, cpuMillis: 500 } };
    expect(jobSpecOf(release, { resources })).toMatchObject({ plan: null, resources });
    expect(jobSpecOf(release, { plan: 'large', resources })).toMatchObject({ plan: 'large', resources });
  });

  it('may not bring its own ports', () => expect(jobSpecOf(release, { ports: release.ports }).ports).toEqual([]));
});

describe('a release that a job inherits', () => {
  const pin = { reference: 'docker.io/library/web@sha256:1', digest: 'sha256:1', imageId: 'sha256:2' };
  const of = (pins: [number, typeof pin | { digest: null; reference: string; imageId: string }][]) => releaseSpecOf({ releases: new Map([[2, release]]), pins: new Map(pins) }, 2);

  it('is what its replicas run', () => {
    expect(of([[2, pin]])).toEqual({ ...release, image: 'docker.io/library/web@sha256:1' });
    expect(of([[2, { ...pin, digest: null }]])).toEqual(release);
    expect(of([])).toEqual(release);
  });

  it('is none where it was never cut', () => expect(releaseSpecOf({ releases: new Map(), pins: new Map() }, 1)).toBeNull());
});

describe('the job of a hook', () => {
  const service = { dockerServiceId: 'svc_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'api' } as const;
  const of = { jobId: 'job_1', deploymentId: 'dep_1', service, release: 2, spec: release, hook: { overrides: { command: ['bin/migrate'] }, timeoutMs: 60_000, retries: 1 } } as const;

  it('runs the new release with what the hook has in its place', () =>
    expect(hookJob({ ...of, which: 'pre_deploy' })).toEqual({
      jobId: 'job_1',
      projectId: 'prj_1',
      environmentId: 'env_1',
      networkId: 'net_1',
      name: 'api-pre-deploy',
      spec: jobSpecOf(release, { command: ['bin/migrate'] }),
      timeoutMs: 60_000,
      retries: 1,
      trigger: { type: 'pre_deploy', deploymentId: 'dep_1' },
      inheritsFrom: { dockerServiceId: 'svc_1', release: 2 },
      rerunOf: null,
    }));

  it('has a name, however long the service\'s is', () =>
    expect(hookJob({ ...of, which: 'post_deploy', service: { ...service, name: 'a'.repeat(63) } }).name).toBe(`${'a'.repeat(51)}-post-deploy`));
});
