import { foldDocument } from '../view.ts';
import { observe, orderedService, place, type Story, SYSTEM, timeOf } from '../given/story.ts';
import { replicas, type ReplicaDocument } from './replicas.ts';

const replicaIn = (story: Story): ReplicaDocument => foldDocument<ReplicaDocument>(replicas, story.events, 'rep_1')!;
const owner = { type: 'docker_service', id: 'svc_web' } as const;

describe('the replicas view', () => {
  it('is a whole answer from the order to the settled run', () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'STARTING', { address: null });
    observe(story, 1, 'RUNNING');
    observe(story, 1, 'SETTLED');
    expect(replicaIn(story)).toEqual({
      id: 'rep_1',
      position: '00000000000000000012',
      replica_id: 'rep_1',
      owner,
      owner_id: 'svc_web',
      project_id: 'prj_shop',
      environment_id: 'env_live',
      deployment_id: 'dep_1',
      slot: 1,
      generation: 1,
      release: 1,
      state: 'RUNNING',
      settled: true,
      final: false,
      wanted: 'run',
      health: 'unknown',
      node_id: 'node_a',
      container_id: 'container-1',
      address: '10.192.0.1',
      image_id: 'sha256:web',
      image_digest: null,
      pull: null,
      run: 1,
      restarts: 0,
      exit_code: null,
      oom_killed: false,
      oom_kills: 0,
      reason: null,
      last_log_lines: [],
      placement: {
        attempt: 1,
        outcome: 'placed',
        node_id: 'node_a',
        reason: { code: 'best_score', message: 'host-a scored 70' },
        nodes: [{ node_id: 'node_a', name: 'host-a', fits: true, reasons: [], score: 70 }],
        at: timeOf(8),
        event_id: 'event-8',
      },
      created_at: timeOf(6),
      started_at: timeOf(11),
      updated_at: timeOf(12),
      revision: 5,
    });
  });

  it('counts restarts, and remembers how the last run ended while the next one is up', () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'RUNNING');
    observe(story, 1, 'FAILED', { exitCode: 137, oomKilled: true, reason: { code: 'oom', message: 'out of memory' } });
    expect(replicaIn(story)).toMatchObject({ state: 'FAILED', final: false, exit_code: 137, oom_killed: true, oom_kills: 1, address: null, started_at: timeOf(10), reason: { code: 'oom' } });
    observe(story, 1, 'STARTING', { run: 2 });
    expect(replicaIn(story)).toMatchObject({ state: 'STARTING', run: 2, restarts: 1, started_at: null, reason: null });
    const up = observe(story, 1, 'RUNNING', { run: 2 });
    expect(replicaIn(story)).toMatchObject({ state: 'RUNNING', settled: false, run: 2, restarts: 1, exit_code: 137, oom_killed: true, oom_kills: 1, started_at: up.metadata.at });
    observe(story, 1, 'STOPPED', { run: 2, final: true, exitCode: 0 });
    expect(replicaIn(story)).toMatchObject({ state: 'STOPPED', final: true, exit_code: 0, oom_killed: false });
  });

  it('counts what a crash loop’s tally sums up, each run once', () => {
    const oom = { exitCode: 137, oomKilled: true, reason: { code: 'oom_killed', message: 'it needed more memory' } };
    const tally = (count: number, oom_killed: number) => ({ count, firstAt: timeOf(1), lastAt: timeOf(2), causes: { oom_killed, exited: count - oom_killed } });
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'FAILED', { run: 11, ...oom });
    // Run 11 was told: its end is why the first of these restarts came.
    observe(story, 1, 'FAILED', { run: 20, ...oom, restarts: tally(9, 5) });
    expect(replicaIn(story)).toMatchObject({ oom_kills: 1 + 4 + 1, restarts: 19 });
    observe(story, 1, 'SETTLED', { run: 30, restarts: tally(10, 3) });
    expect(replicaIn(story)).toMatchObject({ oom_kills: 6 + 2, restarts: 29 });
    // Run 30 was up when it was told of last: nothing of it is counted yet.
    observe(story, 1, 'RUNNING', { run: 32, restarts: tally(2, 2) });
    expect(replicaIn(story)).toMatchObject({ oom_kills: 8 + 2, restarts: 31 });
  });

  it('keeps why it ended when it is gone', () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'FAILED', { final: true, exitCode: 1, reason: { code: 'exited', message: 'exit code 1' } });
    observe(story, 1, 'GONE');
    expect(replicaIn(story)).toMatchObject({ state: 'GONE', final: true, exit_code: 1, reason: { code: 'exited', message: 'exit code 1' } });
  });

  it('shows the verdicts while no node fits, and the word of a node that refused', () => {
    const story = orderedService();
    const verdict = { nodeId: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null } as const;
    const deferred = story.tell('replica-rep_1', 'PlacementDeferred', { replicaId: 'rep_1', owner, reason: { code: 'no_node_fits', message: 'no node fits' }, nodes: [verdict] }, SYSTEM);
    expect(replicaIn(story)).toMatchObject({
      state: 'PENDING',
      reason: { code: 'no_node_fits', message: 'no node fits' },
      placement: {
        attempt: 0,
        outcome: 'deferred',
        node_id: null,
        nodes: [{ node_id: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null }],
        event_id: deferred.id,
      },
    });
    place(story, 1, 'refused');
    expect(replicaIn(story)).toMatchObject({ state: 'PENDING', node_id: null, reason: { code: 'capacity' }, placement: { attempt: 1, outcome: 'refused', reason: { code: 'capacity' } } });
  });

  it('learns from its node what is wanted of it, without another revision of its own', () => {
    const story = orderedService();
    place(story, 1);
    const { revision } = replicaIn(story);
    const changed = story.tell('node-node_a', 'ReplicaWantedChanged', { replicaId: 'rep_1', owner, from: 'run', to: 'gone', reason: { code: 'scaled_down', message: '1 is wanted' } }, SYSTEM);
    expect(replicaIn(story)).toMatchObject({ wanted: 'gone', reason: { code: 'scaled_down' }, revision, updated_at: changed.metadata.at });
  });

  it('is closed by being abandoned, and has no document of one that was never created', () => {
    const story = orderedService();
    const reason = { code: 'unwanted', message: 'not wanted any more' };
    story.tell('replica-rep_1', 'ReplicaAbandoned', { replicaId: 'rep_1', owner, reason }, SYSTEM);
    story.tell('replica-rep_3', 'ReplicaAbandoned', { replicaId: 'rep_3', owner, reason }, SYSTEM);
    expect(replicaIn(story)).toMatchObject({ state: 'GONE', final: true, wanted: 'gone', reason });
    expect(foldDocument(replicas, story.events, 'rep_3')).toBeNull();
  });

  it('tells its health, how far its image is pulled, and what that was', () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'PREPARING', { pull: { doneBytes: 3, totalBytes: 9 }, reason: { code: 'pulling', message: '3 B of 9 B' } });
    expect(replicaIn(story)).toMatchObject({ state: 'PREPARING', pull: { done_bytes: 3, total_bytes: 9 }, reason: { code: 'pulling' } });
    observe(story, 1, 'PREPARED', { imageDigest: 'sha256:2' });
    expect(replicaIn(story)).toMatchObject({ state: 'PREPARING', pull: null, image_digest: 'sha256:2' });
    observe(story, 1, 'RUNNING', { health: 'starting' });
    expect(replicaIn(story)).toMatchObject({ state: 'RUNNING', health: 'starting', image_digest: 'sha256:2' });
    observe(story, 1, 'RUNNING', { health: 'healthy' });
    expect(replicaIn(story)).toMatchObject({ health: 'healthy' });
  });
});
