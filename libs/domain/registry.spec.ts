import { isEventType, registry, schemaOf, upcast } from './registry.ts';

const read = (type: string, schema: number) => ({ type, data: { from: 1, to: 2 }, metadata: { schema } });

describe('the table of events', () => {
  it('gives every event a version, and a sentence that says what has happened', () => {
    for (const [type, { schema, meaning }] of Object.entries(registry)) {
      expect(schemaOf(type)).toBe(schema);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('has no two events of one meaning', () => {
    const meanings = Object.values(registry).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
  });

  it('leaves an event of the present version as it is', () => {
    const event = read('DockerServiceScaled', 1);
    expect(upcast(event)).toBe(event);
  });

  it('brings what was written before checks, policies and strategies to the present form', () => {
    const cut = upcast({ type: 'ReleaseCut', data: { release: 1, spec: { image: 'a' } }, metadata: { schema: 1 } });
    expect(cut.data).toEqual({ release: 1, spec: { image: 'a', healthcheck: null, loggingTarget: { type: 'local_only' }, metricsTarget: { type: 'prometheus' }, restartPolicy: { name: 'always', maxRetries: 0, delayMs: null, backoff: 'exponential', windowMs: null, onExhausted: 'fail' } } });
    const created = upcast({ type: 'DockerServiceCreated', data: { name: 'api', deploy: { maxFailures: 2 } }, metadata: { schema: 1 } });
    expect(created.data).toMatchObject({ name: 'api', deploy: { strategy: 'rolling', maxFailures: 2, monitorMs: 0 } });
    const started = upcast({ type: 'DeploymentStarted', data: { deploymentId: 'dep_1', fromRelease: null, toRelease: 1 }, metadata: { schema: 1 } });
    expect(started.data).toMatchObject({ kind: 'create', toRelease: 1, supersedes: null, settings: { strategy: 'rolling', monitorMs: 0 } });
    expect(upcast({ type: 'ReplicaObserved', data: { state: 'RUNNING' }, metadata: { schema: 1 } }).data).toEqual({ state: 'RUNNING', health: 'unknown' });
    expect(upcast({ type: 'JobCreated', data: { spec: {} }, metadata: { schema: 1 } }).data).toMatchObject({ spec: { restartPolicy: { name: 'no' } } });
  });

  it('refuses what a newer build wrote, and what nobody knows', () => {
    expect(() => upcast(read('DockerServiceScaled', 2))).toThrow("DockerServiceScaled of schema 2 can't be read: this build knows schema 1");
    expect(() => upcast(read('Nonsense', 1))).toThrow('unknown event type: Nonsense');
    expect(isEventType('constructor')).toBe(false);
  });
});
