import fc from 'fast-check';
import { DEFAULT_DEPLOY_SETTINGS } from '#domain';
import type { Recorded } from '#event-store';
import { createReplica, deploymentRef, observe, orderedService, place, registerNode, RESOURCES, SPEC, Story, SYSTEM } from './story.ts';

/** Histories such as the platform writes them, in an order and length of chance: for laws that hold for every history. */
export const anyHistory = (): fc.Arbitrary<readonly Recorded[]> =>
  fc.array(fc.record({ what: fc.integer({ min: 0, max: chapters.length - 1 }), number: fc.integer({ min: 1, max: 3 }) }), { maxLength: 40 }).map((choices) => {
    const story = new Story();
    registerNode(story);
    orderedService(story);
    const told: Told = { placed: new Set(), runs: new Map(), jobs: 0, releases: 0, schedules: new Set(), environments: new Set(), plan: false };
    for (const { what, number } of choices) chapters[what]!(story, number, told);
    return story.events;
  });

/** What a chapter has to know of those before it. */
interface Told {
  readonly placed: Set<number>;
  readonly runs: Map<number, number>;
  jobs: number;
  releases: number;
  readonly schedules: Set<number>;
  readonly environments: Set<number>;
  plan: boolean;
}

type Chapter = (story: Story, number: number, told: Told) => void;

const owner = { type: 'docker_service', id: 'svc_web' } as const;
const reason = { code: 'chance', message: 'by chance' };
const onNode = (story: Story, slot: number) => {
  const { request, ports } = { request: RESOURCES.request, ports: SPEC.ports };
  const placement = { replicaId: `rep_${slot}`, owner, projectId: 'prj_shop', environmentId: 'env_live', slot, generation: 1, attempt: 1, release: 1, request, ports, replaces: null } as const;
  story.tell('node-node_a', 'ReplicaPlaced', placement, SYSTEM);
};

const chapters: readonly Chapter[] = [
  (story, slot, told) => {
    place(story, slot, told.placed.has(slot) ? 'refused' : 'placed');
    if (!told.placed.has(slot)) onNode(story, slot);
    told.placed.add(slot);
  },
  (story, slot, told) => {
    const run = (told.runs.get(slot) ?? 0) + 1;
    told.runs.set(slot, run);
    observe(story, slot, 'RUNNING', { run });
    observe(story, slot, run % 2 ? 'SETTLED' : 'FAILED', { run, exitCode: run % 2 ? null : run, reason: run % 2 ? null : reason });
  },
  (story, slot) => void createReplica(story, slot),
  (story, slot) => void observe(story, slot, 'GONE', { run: 99 }),
  (story, to) => void story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to }),
  (story, slot) => {
    const step = { creates: [{ replicaId: `rep_${slot}`, slot, generation: 1, release: 1 }], stops: [{ replicaId: 'rep_2', reason }], forgets: ['rep_1'], reason } as const;
    story.tell(slot === 1 ? 'deployment-dep_1' : 'docker_service-svc_web', slot === 1 ? 'DeploymentStepTaken' : 'ServiceStepTaken', { ...deploymentRef, ...step }, SYSTEM);
  },
  (story, running) => void story.tell('deployment-dep_1', 'DeploymentProgressed', { ...deploymentRef, running, settled: running - 1, wanted: 2, deadlineAt: 'later' }, SYSTEM),
  (story, number) => {
    const outcome = number === 1 ? 'SUCCEEDED' : 'FAILED';
    story.tell('deployment-dep_1', 'DeploymentClosed', { ...deploymentRef, outcome, reason }, SYSTEM);
    story.tell('docker_service-svc_web', 'DeploymentEnded', { deploymentId: 'dep_1', outcome, reason, toRelease: 1, ordered: [], stopped: [], forgotten: [] }, SYSTEM);
  },
  (story, number, told) => {
    told.releases += 1;
    const release = 1 + told.releases;
    const started = { deploymentId: `dep_${release}`, kind: 'deploy', fromRelease: 1, toRelease: release, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: release > 2 ? (`dep_${release - 1}` as const) : null } as const;
    story.tell('docker_service-svc_web', 'ReleaseCut', { release, spec: { ...SPEC, image: `docker.io/library/web:${release}` } });
    story.tell('docker_service-svc_web', 'DeploymentStarted', started);
    if (number > 1) story.tell('docker_service-svc_web', 'ReleaseImagePinned', { release, reference: 'r', digest: 'd', imageId: 'i' }, SYSTEM);
  },
  (story, number) => {
    const stage = (['prepare', 'replace', 'return'] as const)[number - 1]!;
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deploymentRef, stage, jobId: null, at: 'now', deadlineAt: 'later', reason }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStageEnded', { ...deploymentRef, stage, result: 'SUCCEEDED', at: 'then', reason }, SYSTEM);
  },
  (story, number) => void story.tell('docker_service-svc_web', number === 1 ? 'DockerServicePaused' : number === 2 ? 'DockerServiceStopped' : 'DockerServiceStarted', {}),
  (story, number) => void story.tell('docker_service-svc_web', 'DockerServiceLabelsChanged', { from: {}, to: { number: String(number) } }),
  (story, number) => void story.tell('node-node_a', number === 1 ? 'NodeDrained' : number === 2 ? 'NodeActivated' : 'NodeReachable', {}),
  (story, slot, { placed }) => {
    if (!placed.has(slot)) return;
    story.tell('node-node_a', 'ReplicaWantedChanged', { replicaId: `rep_${slot}`, owner, from: 'run', to: 'gone', reason }, SYSTEM);
  },
  (story, number, told) => {
    if (told.environments.has(number)) story.tell('project-prj_shop', 'EnvironmentDeleted', { environmentId: `env_${number}`, projectId: 'prj_shop', name: 'e', networkId: `net_${number}` });
    else story.tell('project-prj_shop', 'EnvironmentCreated', { environmentId: `env_${number}`, projectId: 'prj_shop', name: 'e', networkId: `net_${number}` });
    if (!told.environments.delete(number)) told.environments.add(number);
  },
  (story) => void story.tell('project-prj_shop', 'ProjectCreated', { projectId: 'prj_shop', name: 'shop' }),
  (story, number, told) => {
    const resources = { ...RESOURCES, limit: { cpuMillis: number, memoryBytes: number } };
    if (told.plan) story.tell('plan-small', 'PlanChanged', { name: 'small', from: RESOURCES, to: resources });
    else story.tell('plan-small', 'PlanDefined', { name: 'small', resources });
    told.plan = true;
  },
  (story, number, told) => {
    told.jobs += 1;
    const id = `job_${told.jobs}` as const;
    const job = { jobId: id, projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', name: 'j', spec: SPEC, timeoutMs: 1, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null } as const;
    story.tell(`job-${id}`, 'JobCreated', job);
    story.tell(`job-${id}`, 'JobAttemptStarted', { attempt: 1, replicaId: `rep_${id}` }, SYSTEM);
    if (number === 3) story.tell(`job-${id}`, 'JobAttemptFailed', { attempt: 1, replicaId: `rep_${id}`, exitCode: 3, oomKilled: false, reason, retryAt: 'later' }, SYSTEM);
    if (number === 2) story.tell(`job-${id}`, 'JobCancelRequested', { reason, requestedAt: 'now' });
    if (number > 1) story.tell(`job-${id}`, 'JobEnded', { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason }, SYSTEM);
  },
  (story, number, told) => {
    const stream = `schedule-sch_${number}`;
    const runs = { type: 'container', spec: SPEC } as const;
    const settings = { cron: '* * * * *', timeZone: 'UTC', concurrency: 'allow', job: { name: 'j', timeoutMs: 1, retries: 0, runs } } as const;
    if (!told.schedules.has(number)) {
      story.tell(stream, 'ScheduleCreated', { ...settings, scheduleId: `sch_${number}`, projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', since: 'then' });
    } else if (number === 1) {
      story.tell(stream, 'ScheduleFired', { minute: 'now', jobId: 'job_9', release: null, missedSince: null, replaces: [] }, SYSTEM);
    } else if (number === 2) {
      story.tell(stream, 'ScheduleHistoryCut', { jobIds: [`job_${told.jobs}`] }, SYSTEM);
    } else {
      story.tell(stream, 'SchedulePaused', { reason });
    }
    told.schedules.add(number);
  },
];
