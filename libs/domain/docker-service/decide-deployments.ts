import type { Cases } from '../kernel/decider.ts';
import type { DeploymentId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isSame } from '../kernel/same.ts';
import { withTargets, type Targets } from '../resource/dependency.ts';
import { deployViolations } from './deploy-rules.ts';
import type { DeploySettings } from './deploy-settings.ts';
import { type DockerService, type ExistingDockerService, keptReleases, workingRelease, workingSpec } from './docker-service.ts';
import type { ContainerSpec, DeploymentKind, DockerServiceEvent, ImagePin, Labels } from './events.ts';
import { serviceViolations } from './service-rules.ts';
import { labelViolations, replicasViolations } from './spec-rules.ts';
import { active, existing, living, refuse } from './standing.ts';
import { followedBy, withVersions, type Versions } from './value-uses.ts';

type DataOf<T extends DockerServiceEvent['type']> = Extract<DockerServiceEvent, { type: T }>['data'];

export type DeployingCommand =
  /** A release of this spec and its deployment, which supersedes the active one. The spec's labels are the service's own, whatever it says.
   *  `settings`: what is to be in force for this deployment alone. `sameSpec`: what is done where the spec is that of the current release:
   *  nothing; the same release once more; or a new release all the same, for its tag to be looked up anew. */
  | {
      type: 'DeployDockerService';
      data: { deploymentId: DeploymentId; spec: ContainerSpec; settings: Partial<DeploySettings>; sameSpec: 'nothing' | 'restart' | 'cut' };
    }
  /** What is the service's own, and its spec, in one append; what is left out stays. Only another spec makes a release and a deployment,
   *  which goes by the settings that are given here; with `postpone` it waits for the next deployment, whatever that is for. */
  | {
      type: 'ChangeDockerService';
      data: { deploymentId: DeploymentId; replicas?: number; deploy?: DeploySettings; labels?: Labels; spec?: ContainerSpec; postpone?: boolean };
    }
  | { type: 'ChangeDeploySettings'; data: { deploy: DeploySettings } }
  /** Cuts a new release that copies the given one whole; null: the stable one before the current, of a halted service its last stable one.
   *  Never rolled back itself. `versions`: of secrets and configs, which the copy has of those that it follows; `targets`: what it uses is now. */
  | { type: 'RollBackDockerService'; data: { deploymentId: DeploymentId; release: number | null; versions?: Versions; targets?: Targets } }
  /** Another release, with these versions of secrets and configs that the current one follows, and what it uses as it is now, and its deployment. */
  | { type: 'FollowVersions'; data: { deploymentId: DeploymentId; versions: Versions; targets?: Targets } }
  /** The same release once more, in new containers. */
  | { type: 'RestartDockerService'; data: { deploymentId: DeploymentId } }
  | { type: 'CancelDeployment'; data: { deploymentId: DeploymentId } }
  /** What the first replica of the release was found to run. The first word stands. */
  | { type: 'PinReleaseImage'; data: { release: number } & ImagePin }
  /** After `DeploymentClosed` stands in the deployment's own stream. */
  | { type: 'EndDeployment'; data: DataOf<'DeploymentEnded'> };

/** Those that the current release hasn't yet, and of each the latest that is known of: whoever stood still meanwhile takes nobody back. */
function newerThan(service: ExistingDockerService, versions: Versions): Versions {
  const [current, waiting] = [followedBy(specOf(service, workingRelease(service))), followedBy(workingSpec(service))] as readonly ReadonlyMap<string, number | null>[];
  const newer = Object.entries(versions).filter(([id, version]) => version > (current!.get(id) ?? 0));
  return Object.fromEntries(newer.map(([id, version]) => [id, Math.max(version, waiting!.get(id) ?? 0)]));
}

/** Releases and deployments. */
export const deployingDecisions: Cases<DeployingCommand, DockerService, readonly DockerServiceEvent[]> = {
  DeployDockerService(state, { data: { deploymentId, spec: asked, settings: given, sameSpec } }) {
    const service = active(state);
    const spec = { ...asked, labels: service.labels };
    const settings = { ...service.deploy, ...given };
    refuse(serviceViolations({ ...service, spec, deploy: settings }));
    if (sameSpec !== 'cut' && isCurrent(service, spec)) {
      return sameSpec === 'nothing' ? [] : [started(service, { deploymentId, kind: 'restart', toRelease: workingRelease(service), settings })];
    }
    return cut(service, spec, { deploymentId, kind: 'deploy', settings });
  },

  ChangeDockerService(state, { data: { deploymentId, replicas, deploy, labels, spec, postpone = false } }) {
    const service = living(state);
    const next = { ...service, replicas: replicas ?? service.replicas, deploy: deploy ?? service.deploy, labels: labels ?? service.labels };
    const nextSpec = { ...(spec ?? specOf(service, workingRelease(service))), labels: next.labels };
    refuse([...serviceViolations({ ...next, spec: nextSpec })]);
    const own = [...scaled(service, next.replicas), ...settingsChanged(service, next.deploy), ...labelsChanged(service, next.labels)];
    if (!spec) return own;
    if (postpone || isCurrent(service, nextSpec)) return [...own, ...postponed(service, isCurrent(service, nextSpec) ? null : nextSpec)];
    return [...own, ...cut({ ...active(state), deploy: next.deploy }, nextSpec, { deploymentId, kind: 'deploy', settings: next.deploy })];
  },

  ChangeDeploySettings(state, { data: { deploy } }) {
    refuse(deployViolations(deploy));
    return settingsChanged(living(state), deploy);
  },

  RollBackDockerService(state, { data: { deploymentId, release, versions = {}, targets = {} } }) {
    const service = active(state);
    const wanted = release ?? earlierStable(service);
    if (wanted === null) throw new Rejection('conflict', 'docker_service.no_earlier_release', 'no release before the current one was ever deployed well');
    const kept = keptReleases(service);
    if (!kept.includes(wanted)) throw new Rejection('conflict', 'docker_service.release_not_kept', `release ${wanted} isn't among those that are kept`, { release: wanted, kept });
    if (wanted === standsOn(service)) throw new Rejection('conflict', 'docker_service.release_current', `it is at release ${wanted}: to start that anew, restart it`, { release: wanted });
    return cut(service, withVersions(withTargets(specOf(service, wanted), targets), versions), { deploymentId, kind: 'rollback', settings: { ...service.deploy, autoRollback: false } }, wanted);
  },

  FollowVersions(state, { data: { deploymentId, versions, targets = {} } }) {
    const service = active(state);
    const spec = withVersions(withTargets(workingSpec(service), targets), newerThan(service, versions));
    return isCurrent(service, spec) ? [] : cut(service, { ...spec, labels: service.labels }, { deploymentId, kind: 'deploy', settings: service.deploy });
  },

  RestartDockerService(state, { data: { deploymentId } }) {
    const service = active(state);
    return [restarted(service, deploymentId)];
  },

  /** Silent the second time. */
  CancelDeployment(state, { data: { deploymentId } }) {
    const { activeDeployment, superseded } = existing(state);
    if (superseded.some((each) => each.deploymentId === deploymentId)) {
      throw new Rejection('conflict', 'deployment.superseded', 'a newer deployment took over: cancel that one', { deploymentId: activeDeployment?.deploymentId });
    }
    if (activeDeployment?.deploymentId !== deploymentId) throw new Rejection('conflict', 'deployment.ended', 'it has ended: to go back, roll the service back', { deploymentId });
    return activeDeployment.cancelRequested ? [] : [{ type: 'DeploymentCancelRequested', data: { deploymentId } }];
  },

  PinReleaseImage(state, { data }) {
    const { releases, pins } = existing(state);
    if (!releases.has(data.release)) throw new Rejection('not_found', 'docker_service.release_not_found', `release ${data.release} was never cut`);
    return pins.has(data.release) ? [] : [{ type: 'ReleaseImagePinned', data }];
  },

  EndDeployment(state, { data }) {
    const { activeDeployment, superseded } = existing(state);
    const isOpen = [activeDeployment, ...superseded].some((each) => each?.deploymentId === data.deploymentId);
    return isOpen ? [{ type: 'DeploymentEnded', data }] : [];
  },
};

interface Deploying {
  readonly deploymentId: DeploymentId;
  readonly kind: DeploymentKind;
  readonly settings: DeploySettings;
}

/** The next release and its deployment. A copy means the same image as what it copies. */
function cut(service: ExistingDockerService, spec: ContainerSpec, deploying: Deploying, copiedFrom?: number): readonly DockerServiceEvent[] {
  const release = Math.max(...service.releases.keys()) + 1;
  const pin = copiedFrom === undefined ? undefined : service.pins.get(copiedFrom);
  return [
    { type: 'ReleaseCut', data: { release, spec, ...(copiedFrom === undefined ? {} : { copiedFrom }) } },
    ...(pin ? [{ type: 'ReleaseImagePinned', data: { release, ...pin } } as const] : []),
    started(service, { ...deploying, toRelease: release }),
  ];
}

function started(service: ExistingDockerService, deploying: Deploying & { readonly toRelease: number }): DockerServiceEvent {
  const { stableRelease, activeDeployment } = service;
  return { type: 'DeploymentStarted', data: { ...deploying, fromRelease: stableRelease, supersedes: activeDeployment?.deploymentId ?? null } };
}

/** A deployment of the release that the service stands on, else of the one cut last. Hooks belong to what is new: a release that has
 *  been deployed had its own. @throws Rejection where none was ever cut: a log was put back to the middle of an append. */
export function restarted(service: ExistingDockerService, deploymentId: DeploymentId): DockerServiceEvent {
  const toRelease = workingRelease(service);
  specOf(service, toRelease);
  const isNew = toRelease !== service.stableRelease;
  const settings = isNew ? service.deploy : { ...service.deploy, preDeploy: null, postDeploy: null };
  return started(service, { deploymentId, kind: 'restart', toRelease, settings });
}

/** What it runs, or moves to. A halted service runs nothing: any release is one to go back to, its last stable one first of all. */
const standsOn = (service: ExistingDockerService): number | null => (service.halted ? null : workingRelease(service));

/** Where a rollback leads that names no release: where the service stands on another one than it moves to, to that one; else to the one that it stood
 *  on before. Null where none was ever deployed well. */
export function earlierStable(service: ExistingDockerService): number | null {
  const current = standsOn(service);
  return service.succeeded.findLast((release) => release !== current) ?? null;
}

function specOf({ releases }: ExistingDockerService, release: number): ContainerSpec {
  const spec = releases.get(release);
  if (!spec) throw new Rejection('not_found', 'docker_service.release_not_found', `release ${release} was never cut`);
  return spec;
}

/** Labels are the service's own: they make no release. */
function isCurrent(service: ExistingDockerService, spec: ContainerSpec): boolean {
  return isSame({ ...specOf(service, workingRelease(service)), labels: {} }, { ...spec, labels: {} });
}

/** Another number, where it is another. */
export function scaled({ replicas: from }: ExistingDockerService, to: number): readonly DockerServiceEvent[] {
  refuse(replicasViolations(to));
  return to === from ? [] : [{ type: 'DockerServiceScaled', data: { from, to } }];
}

const postponed = ({ postponed: before }: ExistingDockerService, spec: ContainerSpec | null): readonly DockerServiceEvent[] =>
  isSame(before, spec) ? [] : [{ type: 'ReleasePostponed', data: { spec } }];

const settingsChanged = ({ deploy: from }: ExistingDockerService, to: DeploySettings): readonly DockerServiceEvent[] =>
  isSame(from, to) ? [] : [{ type: 'DeploySettingsChanged', data: { from, to } }];

function labelsChanged({ labels: from }: ExistingDockerService, to: Labels): readonly DockerServiceEvent[] {
  refuse(labelViolations(to));
  return isSame(from, to) ? [] : [{ type: 'DockerServiceLabelsChanged', data: { from, to } }];
}
