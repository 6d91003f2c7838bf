import { DEFAULT_DEPLOY_SETTINGS, type DeploymentOutcome } from '#domain';
import { foldDocument } from '../view.ts';
import { createReplica, deploymentRef, observe, orderedService, place, SPEC, Story, SYSTEM, timeOf } from '../given/story.ts';
import { services, type ServiceDocument } from './services.ts';

const token = { type: 'token', id: 'tok_operator' };
const serviceIn = (story: Story): ServiceDocument => foldDocument<ServiceDocument>(services, story.events, 'svc_web')!;

/** `web` with both replicas settled and its deployment succeeded. */
function stableService(): Story {
  const story = orderedService();
  for (const slot of [1, 2]) {
    place(story, slot);
    for (const state of ['PREPARING', 'STARTING', 'RUNNING', 'SETTLED'] as const) observe(story, slot, state);
  }
  end(story, 'SUCCEEDED');
  return story;
}

function end(story: Story, outcome: 'SUCCEEDED' | 'FAILED'): void {
  const reason = { code: outcome.toLowerCase(), message: outcome === 'SUCCEEDED' ? '2 of 2 have stayed up' : 'slot 1 failed' };
  story.tell('deployment-dep_1', 'DeploymentClosed', { ...deploymentRef, outcome, reason }, SYSTEM);
  const ordered = [1, 2].map((slot) => ({ replicaId: `rep_${slot}` as const, slot, generation: 1, release: 1 }));
  story.tell('docker_service-svc_web', 'DeploymentEnded', { deploymentId: 'dep_1', outcome, reason, toRelease: 1, ordered, stopped: [], forgotten: [] }, SYSTEM);
}

describe('the services view', () => {
  it('is a whole answer as soon as the service is created', () => {
    const story = orderedService();
    const release = {
      image: 'docker.io/library/web:1',
      pull_policy: 'missing',
      command: null,
      args: ['--fast'],
      env: { PORT: '80', camelCase: 'kept' },
      ports: [
        { container_port: 80, protocol: 'tcp', host_port: 8080 },
        { container_port: 81, protocol: 'udp', host_port: null },
      ],
      plan: 'small',
      resources: { request: { cpu_millis: 100, memory_bytes: 64 }, limit: { cpu_millis: 200, memory_bytes: 128 } },
      labels: { teamName: 'shop' },
      constraints: [],
      restart_policy: { name: 'always', max_retries: 0, delay_ms: null, backoff: 'exponential', window_ms: null, on_exhausted: 'fail' },
      healthcheck: null,
      logging_target: { type: 'local_only' },
      metrics_target: { type: 'prometheus' },
      volumes: [],
      networks: [],
      default_network: true,
      secrets: {},
      configs: [],
      registry_credentials: null,
      dependencies: [],
    };
    const member = { generation: 1, release: 1, state: 'PENDING', health: 'unknown', run: 0, final: false, ever_failed: false, stopping: null, node_id: null, reason: null };
    expect(serviceIn(story)).toEqual({
      id: 'svc_web',
      position: '00000000000000000005',
      docker_service_id: 'svc_web',
      project_id: 'prj_shop',
      environment_id: 'env_live',
      network_id: 'net_live',
      name: 'web',
      hostname: 'web.live.shop.internal',
      type: 'web',
      status: 'PENDING',
      status_reason: { code: 'starting', message: '0 of 2 replicas run; slot 1: it is PENDING' },
      degraded: false,
      lifecycle: 'ACTIVE',
      paused: null,
      release: 1,
      last_release: 1,
      own_labels: { teamName: 'shop' },
      ...release,
      image_digest: null,
      replicas: { desired: 2, running: 0, healthy: 0, starting: 2, failed: 0, finished: 0 },
      deploy: {
        strategy: 'rolling',
        max_surge: null,
        max_unavailable: null,
        min_healthy_ms: 10_000,
        healthy_deadline_ms: 300_000,
        progress_deadline_ms: 600_000,
        max_failures: 0,
        monitor_ms: 0,
        auto_rollback: true,
        pre_deploy: null,
        post_deploy: null,
      },
      postponed: false,
      postponed_release: null,
      deployment_hooks: [],
      deployment: { deployment_id: 'dep_1', status: 'RUNNING' },
      warnings: [],
      quota_warnings: {},
      created_at: timeOf(1),
      created_by: token,
      updated_at: timeOf(3),
      updated_by: token,
      deleted_at: null,
      deleted_by: null,
      deletion_asked_by: null,
      revision: 2,
      desired: 2,
      stable_release: null,
      active_deployment: { deployment_id: 'dep_1', to_release: 1, returning: false },
      halted: null,
      releases: { 1: { ...release, image_digest: null } },
      members: { rep_1: { ...member, replica_id: 'rep_1', slot: 1 }, rep_2: { ...member, replica_id: 'rep_2', slot: 2 } },
    });
  });

  it('says RUNNING when all that is wanted was seen up', () => {
    const story = orderedService();
    for (const slot of [1, 2]) {
      place(story, slot);
      observe(story, slot, 'RUNNING');
      expect(serviceIn(story)).toMatchObject(slot === 1 ? { status: 'PENDING', degraded: true } : { status: 'RUNNING', degraded: false });
    }
    expect(serviceIn(story)).toMatchObject({
      status_reason: null,
      replicas: { desired: 2, running: 2, healthy: 2, starting: 0, failed: 0, finished: 0 },
      deployment: { deployment_id: 'dep_1', status: 'RUNNING' },
      revision: 2,
    });
  });

  it('takes a replica that has failed once for starting until it has settled', () => {
    const story = stableService();
    observe(story, 1, 'FAILED', { exitCode: 1, reason: { code: 'exited', message: 'exit code 1' } });
    expect(serviceIn(story).members.rep_1).toMatchObject({ state: 'FAILED', ever_failed: true, reason: { code: 'exited' } });
    observe(story, 1, 'RUNNING', { run: 2 });
    expect(serviceIn(story)).toMatchObject({ status: 'PENDING', degraded: true, replicas: { running: 1, starting: 1 }, members: { rep_1: { run: 2, reason: null } } });
    observe(story, 1, 'SETTLED', { run: 2 });
    expect(serviceIn(story)).toMatchObject({ status: 'RUNNING', status_reason: null });
  });

  it('keeps a release that ended well as the one to stand on', () => {
    expect(serviceIn(stableService())).toMatchObject({
      status: 'RUNNING',
      deployment: { deployment_id: 'dep_1', status: 'SUCCEEDED' },
      stable_release: 1,
      active_deployment: null,
      halted: null,
      revision: 3,
      updated_at: timeOf(3),
    });
  });

  it('is halted where its first deployment failed, and still shows what was tried', () => {
    const story = orderedService();
    end(story, 'FAILED');
    expect(serviceIn(story)).toMatchObject({
      status: 'FAILED',
      status_reason: { code: 'failed', message: 'slot 1 failed' },
      deployment: { deployment_id: 'dep_1', status: 'FAILED' },
      stable_release: null,
      release: 1,
      image: 'docker.io/library/web:1',
    });
  });

  it('says why no node takes a replica, and why one refused it', () => {
    const story = orderedService();
    const ref = { replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_web' } } as const;
    story.tell('replica-rep_1', 'PlacementDeferred', { ...ref, reason: { code: 'no_node_fits', message: 'no node fits: 1 lacks room' }, nodes: [] }, SYSTEM);
    expect(serviceIn(story).status_reason).toEqual({ code: 'no_node_fits', message: '0 of 2 replicas run; slot 1: no node fits: 1 lacks room' });
    place(story, 1, 'refused');
    expect(serviceIn(story).members.rep_1).toMatchObject({ state: 'PENDING', node_id: null, reason: { code: 'capacity' } });
    place(story, 1);
    expect(serviceIn(story).members.rep_1).toMatchObject({ state: 'ASSIGNED', node_id: 'node_a', reason: null });
  });

  describe('that moves to another release', () => {
    const settings = { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0 };
    const own = 'docker_service-svc_web';
    const ref = { deploymentId: 'dep_2', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;
    function moving(): Story {
      const story = stableService();
      story.tell(own, 'ReleaseCut', { release: 2, spec: { ...SPEC, image: 'docker.io/library/web:2', labels: {} } });
      story.tell(own, 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings, supersedes: null });
      return story;
    }
    const over = (story: Story, outcome: DeploymentOutcome) =>
      story.tell(own, 'DeploymentEnded', { deploymentId: 'dep_2', outcome, reason: { code: 'exited', message: 'slot 1: exit code 1' }, toRelease: 2, ordered: [], stopped: [], forgotten: [] }, SYSTEM);

    it('is not RUNNING on the release that it leaves', () =>
      expect(serviceIn(moving())).toMatchObject({ status: 'PENDING', release: 2, image: 'docker.io/library/web:2', replicas: { desired: 2, running: 0 }, deployment: { deployment_id: 'dep_2', status: 'PENDING' } }));

    it('stands on the one before again as soon as it returns', () => {
      const story = moving();
      story.tell('deployment-dep_2', 'DeploymentStageBegan', { ...ref, stage: 'return', jobId: null, at: timeOf(99), deadlineAt: null, reason: { code: 'exited', message: 'x' } }, SYSTEM);
      expect(serviceIn(story)).toMatchObject({ status: 'RUNNING', release: 1, image: 'docker.io/library/web:1', active_deployment: { returning: true } });
      over(story, 'ROLLED_BACK');
      expect(serviceIn(story)).toMatchObject({ status: 'RUNNING', release: 1, halted: null, deployment: { status: 'ROLLED_BACK' } });
    });

    it('is halted where it FAILED, also with a release that it could stand on', () => {
      const story = moving();
      over(story, 'FAILED');
      expect(serviceIn(story)).toMatchObject({ status: 'FAILED', status_reason: { code: 'exited' }, release: 1 });
    });

    it('goes on with the newer deployment when the older one has handed over', () => {
      const story = moving();
      story.tell(own, 'ReleaseCut', { release: 3, spec: { ...SPEC, image: 'docker.io/library/web:3' } });
      story.tell(own, 'DeploymentStarted', { deploymentId: 'dep_3', kind: 'deploy', fromRelease: 1, toRelease: 3, settings, supersedes: 'dep_2' });
      over(story, 'SUPERSEDED');
      expect(serviceIn(story)).toMatchObject({ release: 3, status: 'PENDING', active_deployment: { deployment_id: 'dep_3' }, deployment: { deployment_id: 'dep_3', status: 'PENDING' }, halted: null });
      expect(Object.keys(serviceIn(story).releases)).toEqual(['1', '2', '3']);
    });

    it('shows what its image was found to be, and labels that are its own', () => {
      const story = moving();
      story.tell(own, 'ReleaseImagePinned', { release: 2, reference: 'docker.io/library/web@sha256:2', digest: 'sha256:2', imageId: 'sha256:i' }, SYSTEM);
      story.tell(own, 'DockerServiceLabelsChanged', { from: { teamName: 'shop' }, to: { teamName: 'cellar' } });
      expect(serviceIn(story)).toMatchObject({ release: 2, image_digest: 'sha256:2', labels: { teamName: 'cellar' } });
    });
  });

  it('says since when, by whom and how it is paused', () => {
    const story = stableService();
    const user = { type: 'user', id: 'usr_1' } as const;
    const paused = story.tell('docker_service-svc_web', 'DockerServicePaused', {}, { actor: user });
    expect(serviceIn(story)).toMatchObject({ lifecycle: 'PAUSED', status: null, paused: { containers: 'held', at: paused.metadata.at, by: user }, updated_by: user });
    story.tell('docker_service-svc_web', 'DockerServiceStopped', {});
    expect(serviceIn(story)).toMatchObject({ lifecycle: 'PAUSED', paused: { containers: 'removed', by: token } });
    story.tell('docker_service-svc_web', 'DockerServiceStarted', {});
    expect(serviceIn(story)).toMatchObject({ lifecycle: 'ACTIVE', paused: null, status: 'RUNNING' });
  });

  it('tells its warnings in the same order, whichever was raised first', () => {
    const codes = (...levels: readonly ('reserved' | 'used')[]): readonly string[] => {
      const story = stableService();
      for (const measure of levels) story.tell('project-prj_shop', 'QuotaWarningRaised', { scope: 'docker_service', id: 'svc_web', resource: 'cpuMillis', measure, level: 95, amount: 95, limit: 100 }, SYSTEM);
      return serviceIn(story).warnings.map(({ code }) => code);
    };
    expect(codes('used', 'reserved')).toEqual(['quota_reserved_95', 'quota_used_95']);
    expect(codes('reserved', 'used')).toEqual(codes('used', 'reserved'));
  });

  it('is changed by whoever scales it, and by nobody else', () => {
    const story = stableService();
    const user = { type: 'user', id: 'usr_1' } as const;
    const scaled = story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 1 }, { actor: user });
    const stops = [{ replicaId: 'rep_2', reason: { code: 'scaled_down', message: '1 is wanted' } }] as const;
    story.tell('docker_service-svc_web', 'ServiceStepTaken', { creates: [], stops, forgets: [], reason: { code: 'scaled_down', message: '1 is wanted' } }, SYSTEM);
    expect(serviceIn(story)).toMatchObject({
      status: 'RUNNING',
      replicas: { desired: 1, running: 1 },
      updated_by: user,
      updated_at: scaled.metadata.at,
      revision: 5,
      members: { rep_2: { stopping: { code: 'scaled_down' } } },
    });
  });

  it('drops a replica that is forgotten, and hears nothing more of it', () => {
    const story = stableService();
    observe(story, 2, 'GONE');
    expect(serviceIn(story).members.rep_2).toMatchObject({ state: 'GONE', final: true });
    story.tell('docker_service-svc_web', 'ServiceStepTaken', { creates: [], stops: [], forgets: ['rep_2'], reason: { code: 'ended', message: 'it is over' } }, SYSTEM);
    observe(story, 2, 'GONE', { reason: { code: 'absent', message: 'not in the report' } });
    expect(Object.keys(serviceIn(story).members)).toEqual(['rep_1']);
  });

  it('takes an abandoned replica for gone', () => {
    const story = orderedService();
    story.tell('replica-rep_9', 'ReplicaAbandoned', { replicaId: 'rep_9', owner: { type: 'docker_service', id: 'svc_web' }, reason: { code: 'unwanted', message: 'not wanted any more' } }, SYSTEM);
    expect(Object.keys(serviceIn(story).members)).toEqual(['rep_1', 'rep_2']);
    story.tell('replica-rep_2', 'ReplicaAbandoned', { replicaId: 'rep_2', owner: { type: 'docker_service', id: 'svc_web' }, reason: { code: 'unwanted', message: 'not wanted any more' } }, SYSTEM);
    expect(serviceIn(story).members.rep_2).toMatchObject({ state: 'GONE', final: true, reason: { code: 'unwanted' } });
  });

  it('was deleted by who asked for it, when the engine had confirmed it', () => {
    const story = stableService();
    const user = { type: 'user', id: 'usr_1' } as const;
    const asked = story.tell('docker_service-svc_web', 'DockerServiceDeletionRequested', {}, { actor: user });
    expect(serviceIn(story)).toMatchObject({ lifecycle: 'DELETING', status: null, status_reason: { code: 'deleting' }, deleted_at: null, deleted_by: null });
    const deleted = story.tell('docker_service-svc_web', 'DockerServiceDeleted', { name: 'web', environmentId: 'env_live', projectId: 'prj_shop' }, SYSTEM);
    expect(serviceIn(story)).toMatchObject({
      lifecycle: 'DELETED',
      status: null,
      updated_at: asked.metadata.at,
      updated_by: user,
      deleted_at: deleted.metadata.at,
      deleted_by: user,
    });
  });

  it('has no document of a service whose reservation was voided, nor of replicas of jobs', () => {
    const story = new Story();
    story.tell('docker_service-svc_web', 'ReservationVoided', { commandId: 'c', name: 'web' }, SYSTEM);
    expect(foldDocument(services, story.events, 'svc_web')).toBeNull();
    const replica = createReplica(story, 1);
    const ofJob = { ...replica, type: 'ReplicaObserved', data: { ...replica.data, owner: { type: 'job', id: 'job_1' } } };
    expect(services.keys(ofJob)).toEqual([]);
  });

  it('changes nothing when an event comes again', () => {
    const story = stableService();
    const once = serviceIn(story);
    expect(foldDocument(services, [...story.events, ...story.events.slice(3)], 'svc_web')).toEqual(once);
  });
});
