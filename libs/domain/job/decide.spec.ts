import { NO_RESTART } from '../docker-service/restart-policy.ts';
import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import { given } from '../kernel/given.ts';
import { job, JOB_TIMEOUT, MAX_JOB_RETRIES } from './decide.ts';
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
  inheritsFrom: null,
  rerunOf: null,
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
    create(timeoutMs).rejects('job.timeout_out_of_range', { pointer: '/timeout_ms', timeoutMs, minMs: 1_000, maxMs: 86_400_000 }));

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

  it.each([-1, 1.5, MAX_JOB_RETRIES + 1, NaN])('refuses %d retries', (retries) =>
    given(job, []).when({ type: 'CreateJob', data: { ...definition, retries } }).rejects('job.retries_out_of_range', { pointer: '/retries', retries, max: 20 }));

  describe('with retries', () => {
    const reason = { code: 'exited', message: 'exit code 3' };
    const end = { exitCode: 3, oomKilled: false, reason };
    const retried: JobEvent = { type: 'JobCreated', data: { ...definition, retries: 1 } };
    const failed: JobEvent = { type: 'JobAttemptFailed', data: { ...end, attempt: 1, replicaId: 'rep_1', retryAt: '2026-01-01T00:00:10.000Z' } };
    const fail = { type: 'FailAttempt', data: { ...end, attempt: 1, retryAt: '2026-01-01T00:00:10.000Z' } } as const;
    const again: JobEvent = { type: 'JobAttemptStarted', data: { attempt: 2, replicaId: 'rep_2' } };

    it('says that an attempt failed, once, and when the next one may come', () => {
      given(job, [retried, started]).when(fail).then([failed]);
      given(job, [retried, started, failed]).when(fail).then([]);
    });

    it('starts the next attempt after a failed one only', () => {
      given(job, [retried, started, failed]).when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } }).then([again]);
      given(job, [retried, started]).when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } }).rejects('job.attempt_open', { attempt: 1, replicaId: 'rep_1' });
    });

    it('has no more attempts than were asked for', () => {
      given(job, [created, started]).when(fail).rejects('job.retries_spent', { retries: 0 });
      given(job, [retried, started, failed, again]).when({ ...fail, data: { ...fail.data, attempt: 2 } }).rejects('job.retries_spent', { retries: 1 });
    });

    it('fails no attempt that was never started', () => given(job, [retried]).when(fail).rejects('job.attempt_unknown', { attempt: 1 }));
  });

  describe('cancelled', () => {
    const request = { reason: { code: 'cancelled', message: 'it was cancelled by request' }, requestedAt: '2026-01-01T00:00:00.000Z' };
    const cancel = { type: 'CancelJob', data: request } as const;
    const requested: JobEvent = { type: 'JobCancelRequested', data: request };
    const cancelled = { outcome: 'CANCELLED', attempt: 1, exitCode: 143, oomKilled: false, reason: request.reason } as const;

    it('ends at once where nothing was tried yet', () =>
      given(job, [created])
        .when(cancel)
        .then([requested, { type: 'JobEnded', data: { outcome: 'CANCELLED', attempt: 0, exitCode: null, oomKilled: false, reason: request.reason } }]));

    it('ends also where a log was put back to the middle of that', () => {
      const end = { outcome: 'CANCELLED', attempt: 0, exitCode: null, oomKilled: false, reason: request.reason } as const;
      given(job, [created, requested]).when({ type: 'EndJob', data: end }).then([{ type: 'JobEnded', data: end }]);
      given(job, [created]).when({ type: 'EndJob', data: end }).rejects('job.attempt_unknown', { attempt: 0 });
      given(job, [created, started, requested]).when({ type: 'EndJob', data: end }).rejects('job.attempt_unknown', { attempt: 0 });
    });

    it('waits for the end of its attempt, and is asked once', () => {
      given(job, [created, started]).when(cancel).then([requested]);
      given(job, [created, started, requested]).when(cancel).then([]);
      given(job, [created, started, requested]).when({ type: 'EndJob', data: cancelled }).then([{ type: 'JobEnded', data: cancelled }]);
    });

    it('starts nothing more', () => {
      const retried: JobEvent = { type: 'JobCreated', data: { ...definition, retries: 1 } };
      const failed = { exitCode: 3, oomKilled: false, reason: request.reason, attempt: 1, retryAt: request.requestedAt };
      given(job, [retried, started, requested]).when({ type: 'FailAttempt', data: failed }).rejects('job.cancel_requested');
      given(job, [retried, started, { type: 'JobAttemptFailed', data: { ...failed, replicaId: 'rep_1' } }, requested])
        .when({ type: 'StartAttempt', data: { attempt: 2, replicaId: 'rep_2' } })
        .rejects('job.cancel_requested');
    });

    it('may still have succeeded', () =>
      given(job, [created, started, requested]).when({ type: 'EndJob', data: succeeded }).then([{ type: 'JobEnded', data: succeeded }]));

    it('is refused when it has ended, and CANCELLED is nobody\'s outcome unasked', () => {
      given(job, [created, started, { type: 'JobEnded', data: succeeded }]).when(cancel).rejects('job.ended', { outcome: 'SUCCEEDED' });
      given(job, [created, started]).when({ type: 'EndJob', data: cancelled }).rejects('job.not_cancelled');
    });
  });

  it('knows nothing of a job that was never created', () => {
    given(job, []).when({ type: 'StartAttempt', data: { attempt: 1, replicaId: 'rep_1' } }).rejects('job.not_found');
    given(job, []).when({ type: 'EndJob', data: succeeded }).rejects('job.not_found');
  });
});
