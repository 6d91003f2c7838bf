import { NO_RESTART } from '../docker-service/restart-policy.ts';
import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import { given } from '../kernel/given.ts';
import { job, JOB_TIMEOUT } from './decide.ts';
import type { JobEvent } from './events.ts';
import type { JobDefinition } from './job.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const definition: JobDefinition = {
  jobId: 'job_1',
  projectId: 'prj_1',
  environmentId: 'env_1',
  networkId: 'net_1',
  name: 'migrate',
  spec: {
    image: 'docker.io/library/busybox:latest',
    pullPolicy: 'missing',
    command: ['true'],
    args: null,
    env: {},
    ports: [],
    plan: 'small',
    resources: { request: amount, limit: amount },
    labels: {},
    constraints: [],
    restartPolicy: NO_RESTART,
    healthcheck: null, ...DEFAULT_TARGETS,
  },
  timeoutMs: 600_000,
  retries: 0,
  trigger: { type: 'manual' },
};
const created: JobEvent = { type: 'JobCreated', data: definition };
const started: JobEvent = { type: 'JobAttemptStarted', data: { attempt: 1, replicaId: 'rep_1' } };
const succeeded = { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason: { code: 'exited', message: 'exit code 0' } } as const;
const timedOut = { outcome: 'TIMEOUT', attempt: 1, exitCode: 137, oomKilled: false, reason: { code: 'timeout', message: 'took longer than 600 s' } } as const;
const create = (timeoutMs: number) => given(job, []).when({ type: 'CreateJob', data: { ...definition, timeoutMs } });

describe('job', () => {
  it('is created with what it is to run', () => given(job, []).when({ type: 'CreateJob', data: definition }).then([created]));

  it('is created once', () => given(job, [created]).when({ type: 'CreateJob', data: definition }).rejects('job.exists'));

  it.each([JOB_TIMEOUT.minMs, JOB_TIMEOUT.maxMs])('takes a timeout of %d ms', (timeoutMs) =>
    create(timeoutMs).then([{ type: 'JobCreated', data: { ...definition, timeoutMs } }]));

  it.each([0, 999, 86_400_001, 1500.5, Infinity, NaN])('refuses a timeout of %d ms', (timeoutMs) =>
    create(timeoutMs).rejects('job.timeout_out_of_range', { timeoutMs, minMs: 1_000, maxMs: 86_400_000 }));

  it('starts its first attempt, and says so once', () => {
    const start = { type: 'StartAttempt', data: { attempt: 1, replicaId: 'rep_1' } } as const;
    given(job, [created]).when(start).then([started]);
    given(job, [created, started]).when(start).then([]);
  });

  it('has one attempt at a time, counted from 1', () => {
    given(job, [created]).when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } }).rejects('job.attempt_out_of_order', { next: 1 });
    given(job, [created, started])
      .when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } })
      .rejects('job.attempt_open', { attempt: 1, replicaId: 'rep_1' });
  });

  it('ends with its attempt, and hears of the same end in silence', () => {
    given(job, [created, started]).when({ type: 'EndJob', data: succeeded }).then([{ type: 'JobEnded', data: succeeded }]);
    given(job, [created, started, { type: 'JobEnded', data: succeeded }]).when({ type: 'EndJob', data: succeeded }).then([]);
  });

  it('has one outcome', () => {
    const history: JobEvent[] = [created, started, { type: 'JobEnded', data: succeeded }];
    given(job, history).when({ type: 'EndJob', data: timedOut }).rejects('job.ended', { outcome: 'SUCCEEDED' });
    given(job, history).when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } }).rejects('job.ended', { outcome: 'SUCCEEDED' });
  });

  it('refuses an end of an attempt that was never started', () =>
    given(job, [created]).when({ type: 'EndJob', data: succeeded }).rejects('job.attempt_unknown', { attempt: 1 }));

  it('knows nothing of a job that was never created', () => {
    given(job, []).when({ type: 'StartAttempt', data: { attempt: 1, replicaId: 'rep_1' } }).rejects('job.not_found');
    given(job, []).when({ type: 'EndJob', data: succeeded }).rejects('job.not_found');
  });
});
