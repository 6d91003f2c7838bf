import { volumeIdOf, type NewVolume } from '#application';
import { boundsOf, dockerService as rules, type DockerServiceEvent, type ExistingDockerService, type ForeseenPlacement, type Reason } from '#domain';
import { verdictDocument } from '#read-models';
import { changesBetween, type ChangeAnswer } from './changes.ts';
import { conflictsOf, type ConflictAnswer } from './conflicts.ts';
import { decideOn, type AskedPreview } from './asked-preview.ts';
import { foreseenQuota, type ForeseenQuota } from './foreseen-quota.ts';
import { foreseenService, type ToForesee } from './foreseen-service.ts';
import { waitingWarnings } from './waiting.ts';
import { warningsOf } from './warnings.ts';

/** What would come of a request, if it were sent now. */
export interface PreviewAnswer {
  /** Of the service: sent as `If-Match`, the request is taken at this revision only. Null for one that has yet to be made. */
  readonly revision: number | null;
  readonly changes: readonly ChangeAnswer[];
  /** The deployment that would be started; null where nothing rolls. */
  readonly deployment: object | null;
  /** One for each wanted slot, as it would be in the end; empty where the rules refuse the change. */
  readonly placements: readonly object[];
  /** For each of these the request would be refused. */
  readonly conflicts: readonly ConflictAnswer[];
  /** In spite of these it would be taken. */
  readonly warnings: readonly Reason[];
  /** What is reserved and would be; null where the rules refuse the change. */
  readonly quota: ForeseenQuota | null;
}

/** What a preview is made from. */
export interface Previewed extends Pick<ToForesee, 'reading' | 'volumes'> {
  readonly parts: Parameters<typeof foreseenService>[0];
  /** Null where it has yet to be made. */
  readonly before: ExistingDockerService | null;
  readonly revision: bigint | null;
  readonly asked: () => Promise<AskedPreview>;
  /** Where the body of the request stands in the preview's. */
  readonly at: string;
  readonly commandId: string;
  /** Volumes that would be made. */
  readonly creates: () => readonly NewVolume[];
}

/** Carries the request out in thought: decided, admitted, rolled and placed by the same rules, and written nowhere.
 *  @throws InvalidRequest where the request itself would be a 422 for its form */
export async function answerPreview({ parts, before, revision, asked: ask, at, commandId, creates, reading, volumes }: Previewed): Promise<PreviewAnswer> {
  const known = { revision: revision === null ? null : Number(revision), quota: null };
  let asked: AskedPreview | null = null;
  let events: readonly DockerServiceEvent[] = [];
  const conflicts = await conflictsOf([async () => void (asked = await ask())], at);
  if (asked === null) return { ...known, changes: [], deployment: null, placements: [], conflicts, warnings: [] };
  const { command, checks } = asked as AskedPreview;
  const refused = await conflictsOf([() => void (events = decideOn(before, command))], at);
  const admitted = await conflictsOf(checks, at);
  const after = events.reduce(rules.evolve, before ?? rules.initial);
  if (refused.length > 0 || after.status !== 'present') return { ...known, changes: [], deployment: null, placements: [], conflicts: [...refused, ...admitted], warnings: [] };
  const reserving = { projectId: after.projectId, before: before && revision !== null ? { service: before, revision } : null, command, volumes: creates(), commandId };
  const { quota, check } = await foreseenQuota(parts.aggregates, reserving);
  const overQuota = await conflictsOf([check], at);
  const foreseen = await foreseenService(parts, { service: after, reading, volumes });
  return {
    ...known,
    quota,
    changes: changesBetween(before, after, new Set(creates().map(({ name }) => volumeIdOf(commandId, name)))),
    deployment: deploymentIn(events, after),
    placements: foreseen.placements.map(placementAnswer),
    conflicts: [...refused, ...admitted, ...overQuota],
    warnings: [...warningsOf(after, events, foreseen), ...(await waitingWarnings(parts.aggregates, after, foreseen))],
  };
}

const placementAnswer = ({ slot, generation, release, replicaId, nodeId, nodeName, reason, nodes }: ForeseenPlacement): object => ({
  slot,
  replica_id: replicaId,
  generation,
  release,
  node_id: nodeId,
  node_name: nodeName,
  reason,
  nodes: nodes.map(verdictDocument),
});

function deploymentIn(events: readonly DockerServiceEvent[], { replicas, releases }: ExistingDockerService): object | null {
  const started = events.find((event) => event.type === 'DeploymentStarted');
  if (!started) return null;
  const { kind, fromRelease, toRelease, settings, supersedes } = started.data;
  const { surge, unavailable } = boundsOf(settings, replicas, releases.get(toRelease)!.ports.some(({ hostPort }) => hostPort !== null));
  return { kind, from_release: fromRelease, to_release: toRelease, strategy: settings.strategy, surge, unavailable, supersedes };
}
