import { boundsOf, passwordWarnings, type DockerServiceEvent, type ExistingDockerService, type Foreseen, type Reason } from '#domain';

/** What a request would be taken in spite of: each as a code and a sentence. */
export function warningsOf(after: ExistingDockerService, events: readonly DockerServiceEvent[], foreseen: Foreseen): readonly Reason[] {
  const started = events.find((event) => event.type === 'DeploymentStarted');
  return [...standingStill(after), ...plain(events), ...(started ? rolling(after, started.data) : []), ...placing(after, foreseen)];
}

function standingStill({ lifecycle, paused, halted, activeDeployment }: ExistingDockerService): readonly Reason[] {
  if (lifecycle === 'PAUSED') return [{ code: 'docker_service.paused', message: `it is ${paused === 'held' ? 'paused' : 'stopped'}: nothing comes of this before it is started` }];
  return halted && !activeDeployment ? [{ code: 'docker_service.halted', message: `nothing new is started before a deployment: ${halted.message}` }] : [];
}

/** Of what the request itself brings. */
const plain = (events: readonly DockerServiceEvent[]): readonly Reason[] =>
  events.flatMap((event) => (event.type === 'ReleaseCut' || event.type === 'ReleasePostponed' ? passwordWarnings(event.data.spec?.env ?? {}) : []));

type Started = Extract<DockerServiceEvent, { type: 'DeploymentStarted' }>['data'];

function rolling({ replicas, releases }: ExistingDockerService, { settings, toRelease, fromRelease, supersedes }: Started): readonly Reason[] {
  const { unavailable } = boundsOf(settings, replicas, releases.get(toRelease)!.ports.some(({ hostPort }) => hostPort !== null));
  const lacking = Math.min(unavailable, replicas);
  return [
    ...(supersedes ? [{ code: 'deployment.supersedes', message: `${supersedes}, which is under way, ends SUPERSEDED` }] : []),
    ...(fromRelease !== null && lacking > 0 ? [{ code: 'deployment.unavailable', message: `up to ${lacking} of ${replicas} replicas don't serve while it rolls` }] : []),
  ];
}

function placing({ lifecycle, replicas }: ExistingDockerService, { placements, hooks, isWhole }: Foreseen): readonly Reason[] {
  const waiting = placements.filter(({ nodeId, reason, generation }) => nodeId === null && reason !== null && generation !== null);
  const where = new Set(placements.map(({ nodeId }) => nodeId));
  const [only] = placements;
  const isAlone = lifecycle === 'ACTIVE' && replicas > 1 && where.size === 1 && only?.nodeName;
  return [
    ...waiting.map(({ slot, reason }) => ({ code: `placement.${reason!.code}`, message: `slot ${slot} would wait: ${reason!.message}` })),
    ...hooks.map(({ name, reason }) => ({ code: `placement.${reason.code}`, message: `the hook ${name} would wait: ${reason.message}` })),
    ...(isAlone ? [{ code: 'placement.one_node', message: `all ${replicas} replicas would be on ${only.nodeName}: whatever takes that takes all of them` }] : []),
    ...(isWhole ? [] : [{ code: 'preview.cut', message: 'it takes so many steps that only the first of them were looked at' }]),
  ];
}
