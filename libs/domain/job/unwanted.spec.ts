import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import { NO_RESTART } from '../docker-service/restart-policy.ts';
import type { JobDefinition, OpenJob } from './job.ts';
import { whyUnwanted } from './unwanted.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const definition: JobDefinition = {
  jobId: 'job_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'migrate', timeoutMs: 60_000, retries: 1, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null,
  spec: { image: 'docker.io/library/busybox:latest', pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: NO_RESTART, healthcheck: null, ...DEFAULT_TARGETS },
};
const ending = { exitCode: 3, oomKilled: false, reason: { code: 'exited', message: 'exit code 3' } };
const open: OpenJob = { status: 'open', definition, cancel: null, current: { attempt: 2, replicaId: 'rep_2', failed: null } };

describe('what of a job has to go', () => {
  it('is nothing of the attempt that runs', () => expect(whyUnwanted(open, 'rep_2')).toBeNull());

  it('is what an attempt left that is over', () => {
    expect(whyUnwanted(open, 'rep_1')).toMatchObject({ code: 'attempt_over' });
    const failed = { ...ending, retryAt: '' };
    expect(whyUnwanted({ ...open, current: { attempt: 2, replicaId: 'rep_2', failed } }, 'rep_2')).toEqual({ code: 'attempt_over', message: 'its attempt failed: exit code 3' });
  });

  it('is all of one that is cancelled or has ended', () => {
    const reason = { code: 'cancelled', message: 'by request' };
    expect(whyUnwanted({ ...open, cancel: { reason, requestedAt: '' } }, 'rep_2')).toEqual({ code: 'job_cancelled', message: 'by request' });
    expect(whyUnwanted({ ...ending, status: 'ended', definition, current: open.current, outcome: 'FAILED' }, 'rep_2')).toMatchObject({ code: 'job_ended' });
  });

  it('is unknown of one that nobody created', () => expect(whyUnwanted({ status: 'absent' }, 'rep_2')).toBeNull());
});
