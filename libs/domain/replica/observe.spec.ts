import fc from 'fast-check';
import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import { replica, type ReplicaCommand } from './decide.ts';
import { type Observation, type ReplicaEvent, RUN_STATES } from './events.ts';
import { isGone, REMEMBERED_RUNS } from './replica.ts';

const ref = { replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_1' } } as const;
const placed: ReplicaEvent[] = [
  {
    type: 'ReplicaCreated',
    data: { ...ref, deploymentId: null, projectId: 'prj_1', environmentId: 'env_1', slot: 1, generation: 1, release: 1, request: { cpuMillis: 1, memoryBytes: 1 }, ports: [], constraints: [], replaces: null },
  },
  { type: 'PlacementClaimed', data: { ...ref, attempt: 1, nodeId: 'node_1', reason: { code: 'only_fit', message: '' }, nodes: [] } },
  { type: 'PlacementSettled', data: { ...ref, attempt: 1, nodeId: 'node_1', outcome: 'placed', reason: { code: 'placed', message: '' }, eventId: 'e' } },
];
const saw = (run: number, state: Observation['state'], more: Partial<Observation> = {}): Observation => ({
  replicaId: 'rep_1', run, state, final: state === 'GONE', containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at: '2026-01-01T00:00:00.000Z', ...more,
});
const record = (observation: Observation, nodeId: 'node_1' | 'node_2' = 'node_1'): ReplicaCommand => ({ type: 'RecordObservation', data: { nodeId, observation } });
const observed = (observation: Observation): ReplicaEvent => ({ type: 'ReplicaObserved', data: { ...observation, ...ref, nodeId: 'node_1' } });
const refused = ({ run, state }: Observation, code: string, message: string, nodeId: 'node_1' | 'node_2' = 'node_1'): ReplicaEvent => ({
  type: 'ObservationRefused',
  data: { ...ref, nodeId, run, state, reason: { code, message } },
});

describe('what is seen of a replica', () => {
  it('is refused once, though the replica is abandoned meanwhile', () => {
    const word = refused(saw(1, 'FAILED'), 'not_placed_here', 'this node does not hold it');
    const abandoned: ReplicaEvent = { type: 'ReplicaAbandoned', data: { ...ref, reason: { code: 'scaled', message: '' } } };
    given(replica, [placed[0]!]).when(record(saw(1, 'FAILED'))).then([word]);
    given(replica, [placed[0]!, word, abandoned]).when(record(saw(1, 'FAILED'))).then([]);
  });

  it('is recorded as it moves forward, passing over what nobody saw', () => {
    given(replica, placed).when(record(saw(1, 'PREPARING'))).then([observed(saw(1, 'PREPARING'))]);
    given(replica, [...placed, observed(saw(1, 'PREPARING'))]).when(record(saw(1, 'SETTLED'))).then([observed(saw(1, 'SETTLED'))]);
  });

  it('is known by its run and state, in whatever order it is said again', () => {
    const history = [...placed, observed(saw(1, 'STARTING')), observed(saw(1, 'RUNNING')), observed(saw(2, 'STARTING'))];
    given(replica, history).when(record(saw(1, 'RUNNING'))).then([]);
    given(replica, history).when(record(saw(2, 'STARTING', { at: 'later' }))).then([]);
  });

  it('is news again with another reason, or when nothing more will be tried', () => {
    const pulling = saw(1, 'PREPARING', { reason: { code: 'pulling', message: 'pulling' } });
    const retrying = saw(1, 'PREPARING', { reason: { code: 'registry_unreachable', message: 'trying again' } });
    given(replica, [...placed, observed(pulling)]).when(record(retrying)).then([observed(retrying)]);
    given(replica, [...placed, observed(pulling), observed(retrying)]).when(record(pulling)).then([]);
    const failed = saw(1, 'FAILED', { exitCode: 1 });
    given(replica, [...placed, observed(failed)]).when(record({ ...failed, final: true })).then([observed({ ...failed, final: true })]);
  });

  it('is news again when the same reason speaks of another subnet', () => {
    const taken = (subnet: string) => saw(1, 'PREPARING', { reason: { code: 'subnet_taken', message: `${subnet} is in use` }, subnet });
    const history = [...placed, observed(taken('10.192.0.0/24'))];
    given(replica, history).when(record(taken('10.192.1.0/24'))).then([observed(taken('10.192.1.0/24'))]);
    given(replica, [...history, observed(taken('10.192.1.0/24'))]).when(record(taken('10.192.0.0/24'))).then([]);
  });

  it('is news again whenever its health has changed, there and back, and known when that is said again', () => {
    const healths = (['starting', 'healthy', 'unhealthy', 'healthy', 'unhealthy', 'healthy'] as const).map((health, healthChange) => saw(1, 'SETTLED', { health, healthChange }));
    healths.forEach((next, i) => given(replica, [...placed, ...healths.slice(0, i).map(observed)]).when(record(next)).then([observed(next)]));
    for (const before of healths) given(replica, [...placed, ...healths.map(observed)]).when(record(before)).then([]);
    given(replica, [...placed, ...healths.map(observed)]).when(record(saw(1, 'FAILED'))).then([observed(saw(1, 'FAILED'))]);
  });

  it('keeps the health that is known of a run where it is told without one', () => {
    const starting = [...placed, observed(saw(1, 'RUNNING', { health: 'starting' }))];
    given(replica, starting).when(record(saw(1, 'RUNNING'))).then([]);
    given(replica, starting).when(record(saw(1, 'SETTLED'))).then([observed(saw(1, 'SETTLED', { health: 'starting' }))]);
    const wavered = [...placed, observed(saw(1, 'RUNNING', { health: 'unhealthy', healthChange: 2 }))];
    given(replica, wavered).when(record(saw(1, 'SETTLED'))).then([observed(saw(1, 'SETTLED', { health: 'unhealthy', healthChange: 2 }))]);
    given(replica, starting).when(record(saw(1, 'FAILED'))).then([observed(saw(1, 'FAILED'))]);
    given(replica, starting).when(record(saw(2, 'RUNNING'))).then([observed(saw(2, 'RUNNING'))]);
  });

  it('remembers a health that changes for ever in as many words as there are healths', () => {
    const flapping = Array.from({ length: 100 }, (_, healthChange) => observed(saw(1, 'SETTLED', { health: healthChange % 2 ? 'healthy' : 'unhealthy', healthChange })));
    const state = fold(replica, [...placed, ...flapping]);
    expect(state.status === 'present' && state.seen.get(1)?.size).toBe(2);
  });

  it('says how far a pull is by its quarters', () => {
    const pulling = (doneBytes: number) => saw(1, 'PREPARING', { reason: { code: 'pulling', message: '' }, pull: { doneBytes, totalBytes: 100 } });
    const history = [...placed, observed(pulling(10))];
    given(replica, history).when(record(pulling(24))).then([]);
    given(replica, history).when(record(pulling(25))).then([observed(pulling(25))]);
  });

  it('passes over the restarts that were too many to tell, and keeps what is said of them', () => {
    const loop = saw(900, 'FAILED', { restarts: { count: 888, firstAt: '2026-01-01T00:00:00.000Z', lastAt: '2026-01-01T00:10:00.000Z', causes: { exited: 880, oom_killed: 8 } } });
    given(replica, [...placed, observed(saw(12, 'FAILED'))]).when(record(loop)).then([observed(loop)]);
    given(replica, [...placed, observed(saw(12, 'FAILED')), observed(loop)]).when(record(loop)).then([]);
  });

  it('goes forward with a later run, even from an end', () =>
    given(replica, [...placed, observed(saw(1, 'FAILED'))]).when(record(saw(2, 'STARTING'))).then([observed(saw(2, 'STARTING'))]));

  it('is refused when it goes backwards, and that is said once', () => {
    const history = [...placed, observed(saw(1, 'RUNNING'))];
    const refusal = refused(saw(1, 'STARTING'), 'went_backwards', 'run 1 was RUNNING before');
    given(replica, history).when(record(saw(1, 'STARTING'))).then([refusal]);
    given(replica, [...history, refusal]).when(record(saw(1, 'STARTING'))).then([]);
    given(replica, [...history, observed(saw(2, 'PREPARING'))])
      .when(record(saw(1, 'FAILED')))
      .then([refused(saw(1, 'FAILED'), 'older_run', 'run 2 had begun')]);
  });

  it('ends for good with GONE, whatever run comes after', () => {
    const gone = [...placed, observed(saw(1, 'RUNNING')), observed(saw(1, 'GONE'))];
    given(replica, gone).when(record(saw(2, 'RUNNING'))).then([refused(saw(2, 'RUNNING'), 'gone', 'its container was gone at run 1, for good')]);
    given(replica, gone).when(record(saw(1, 'GONE', { reason: { code: 'absent_from_report', message: '' } }))).then([]);
    given(replica, gone).when(record(saw(1, 'RUNNING'))).then([]);
  });

  it('ends the latest run with GONE, also where it is said of one before: the agent may have lost what it knew', () => {
    const later = [...placed, observed(saw(1, 'RUNNING')), observed(saw(30, 'RUNNING'))];
    given(replica, later).when(record(saw(4, 'GONE'))).then([observed(saw(30, 'GONE'))]);
    given(replica, [...later, observed(saw(30, 'GONE'))]).when(record(saw(4, 'GONE'))).then([]);
  });

  it('calls GONE final even where the agent forgot to', () =>
    given(replica, placed).when(record(saw(1, 'GONE', { final: false }))).then([observed(saw(1, 'GONE'))]));

  it('only ends once in a run: after a final end comes GONE', () => {
    const done = [...placed, observed(saw(1, 'COMPLETED', { final: true }))];
    given(replica, done).when(record(saw(1, 'STOPPED'))).then([refused(saw(1, 'STOPPED'), 'went_backwards', 'run 1 was COMPLETED before')]);
    given(replica, done).when(record(saw(1, 'GONE'))).then([observed(saw(1, 'GONE'))]);
  });

  it('keeps a final end as it was first said: neither taken back nor explained anew', () => {
    const end = saw(4, 'COMPLETED', { final: true });
    const takenBack = saw(4, 'COMPLETED', { reason: { code: 'a', message: '' } });
    const refusal = refused(takenBack, 'went_backwards', 'run 4 was COMPLETED before');
    given(replica, [...placed, observed(end)]).when(record(takenBack)).then([refusal]);
    given(replica, [...placed, observed(end)]).when(record({ ...takenBack, final: true })).then([refusal]);
    given(replica, [...placed, observed(end), refusal]).when(record(takenBack)).then([]);
    given(replica, [...placed, observed(end), refusal]).when(record(end)).then([]);
  });

  it('is refused from a node that does not hold the replica', () => {
    const notHeld = refused(saw(1, 'RUNNING'), 'not_placed_here', 'this node does not hold it', 'node_2');
    given(replica, placed).when(record(saw(1, 'RUNNING'), 'node_2')).then([notHeld]);
    given(replica, placed.slice(0, 1)).when(record(saw(1, 'RUNNING'), 'node_2')).then([notHeld]);
    const abandoned: ReplicaEvent = { type: 'ReplicaAbandoned', data: { ...ref, reason: { code: 'deleted', message: '' } } };
    given(replica, [abandoned]).when(record(saw(1, 'RUNNING'), 'node_2')).then([notHeld]);
    given(replica, [abandoned, notHeld]).when(record(saw(1, 'RUNNING'), 'node_2')).then([]);
  });

  it('waits while the claim of that very node is not settled yet', () =>
    given(replica, placed.slice(0, 2)).when(record(saw(1, 'PREPARING'))).rejects('replica.claim_open', { attempt: 1, nodeId: 'node_1' }));

  it('is refused with a run that can not be', () =>
    given(replica, placed).when(record(saw(0, 'RUNNING'))).then([refused(saw(0, 'RUNNING'), 'invalid_run', 'runs count from 1, not 0')]));

  it('means nothing for a replica that was never ordered', () => given(replica, []).when(record(saw(1, 'RUNNING'))).rejects('replica.not_found'));

  it('remembers the last runs only, and takes older ones as known', () => {
    const runs = Array.from({ length: REMEMBERED_RUNS + 1 }, (_, index) => observed(saw(index + 1, 'FAILED')));
    given(replica, [...placed, ...runs]).when(record(saw(1, 'RUNNING'))).then([]);
    const state = fold(replica, [...placed, ...runs]);
    expect(state.status === 'present' && state.seen.size).toBe(REMEMBERED_RUNS);
  });
});

describe('whatever an agent says', () => {
  const states = RUN_STATES.filter((state): state is Observation['state'] => state !== 'PENDING' && state !== 'ASSIGNED');
  const anything = fc.record({
    run: fc.integer({ min: 1, max: 4 }), state: fc.constantFrom(...states), final: fc.boolean(), code: fc.constantFrom(null, 'a', 'b'),
    health: fc.constantFrom('unknown' as const, 'starting' as const, 'healthy' as const, 'unhealthy' as const), healthChange: fc.integer({ min: 0, max: 3 }),
  });
  const play = (said: readonly Observation[]): ReplicaEvent[] => {
    const log = [...placed];
    for (const observation of said) log.push(...replica.decide(fold(replica, log), record(observation)));
    return log.slice(placed.length);
  };
  const sequences = fc.array(anything.map(({ code, ...rest }) => saw(rest.run, rest.state, { ...rest, reason: code ? { code, message: '' } : null })), { maxLength: 30 });
  const progress = ({ run, state }: { run: number; state: Observation['state'] }) => run * 100 + RUN_STATES.indexOf(state);

  it('what is recorded never moves back, and nothing follows GONE', () =>
    fc.assert(
      fc.property(sequences, (said) => {
        const recorded = play(said).filter((event) => event.type === 'ReplicaObserved').map(({ data }) => data);
        recorded.slice(1).forEach((next, index) => {
          const before = recorded[index]!;
          expect(progress(next)).toBeGreaterThanOrEqual(progress(before));
          if (progress(next) === progress(before)) expect(next.healthChange).toBeGreaterThanOrEqual(before.healthChange!);
        });
        expect(recorded.findIndex(({ state }) => state === 'GONE')).toBe(recorded.some(({ state }) => state === 'GONE') ? recorded.length - 1 : -1);
      }),
    ));

  it('what is known of the health of a run stays known while it runs', () =>
    fc.assert(
      fc.property(sequences, (said) => {
        const recorded = play(said).filter((event) => event.type === 'ReplicaObserved').map(({ data }) => data);
        const isUp = ({ state }: Observation): boolean => state === 'RUNNING' || state === 'SETTLED';
        recorded.slice(1).forEach((next, index) => {
          const before = recorded[index]!;
          if (isUp(before) && isUp(next) && before.run === next.run && before.health !== 'unknown') expect(next.health).not.toBe('unknown');
        });
      }),
    ));

  it('what ended for good in a run is followed by nothing of that run but GONE', () =>
    fc.assert(
      fc.property(sequences, (said) => {
        const recorded = play(said).filter((event) => event.type === 'ReplicaObserved').map(({ data }) => data);
        const after = recorded.filter((next, index) => recorded.slice(0, index).some(({ run, final }) => final && run === next.run));
        expect(after.filter(({ state }) => state !== 'GONE')).toEqual([]);
      }),
    ));

  it('saying all of it again adds nothing', () =>
    fc.assert(fc.property(sequences, (said) => expect(play([...said, ...said])).toEqual(play(said)))));

  it('a replica that is gone stays gone', () =>
    fc.assert(
      fc.property(sequences, (said) => {
        const before = fold(replica, [...placed, ...play([saw(5, 'GONE')])]);
        const after = said.reduce((state, observation) => replica.decide(state, record(observation)).reduce(replica.evolve, state), before);
        expect(isGone(after)).toBe(true);
      }),
    ));
});
