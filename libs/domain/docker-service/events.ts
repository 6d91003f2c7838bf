import type { ConfigUse } from '../config/events.ts';
import type { DeploymentId, DockerServiceId, EnvironmentId, NetworkId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Resources } from '../kernel/units.ts';
import type { DependencyUse } from '../resource/dependency.ts';
import type { CredentialsUse, SecretUse } from '../secret/events.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { Healthcheck } from './healthcheck.ts';
import type { NetworkJoin } from '../network/join.ts';
import type { VolumeMount } from '../volume/mount.ts';
import type { RestartPolicy } from './restart-policy.ts';
import type { LoggingTarget, MetricsTarget } from './targets.ts';

export interface Port {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
  /** Published on the node at this port; null: open in the environment's network only. */
  readonly hostPort: number | null;
}

/** All that shapes a container. A release is one of these, frozen; a job has one too. */
export interface ContainerSpec {
  /** Canonical reference, see `image/reference.ts`. */
  readonly image: string;
  readonly pullPolicy: 'missing' | 'always' | 'never';
  /** Replaces the image's ENTRYPOINT and drops its CMD; null keeps both. */
  readonly command: readonly string[] | null;
  /** Replaces the image's CMD; null keeps it. */
  readonly args: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  /** The plan that the resources were copied from; a later change of the plan doesn't touch them. */
  readonly plan: string | null;
  readonly resources: Resources;
  readonly labels: Labels;
  /** `node.labels.zone==a`, `node.name!=host-3`; all must hold. */
  readonly constraints: readonly string[];
  /** Never again in place for a job. */
  readonly restartPolicy: RestartPolicy;
  /** Null: it is well when it runs. */
  readonly healthcheck: Healthcheck | null;
  readonly loggingTarget: LoggingTarget;
  readonly metricsTarget: MetricsTarget;
  /** Left out: none. */
  readonly volumes?: readonly VolumeMount[];
  /** Further networks that it is in; left out: none. */
  readonly networks?: readonly NetworkJoin[];
  /** Whether it is in its environment's own network, too; left out: it is. */
  readonly defaultNetwork?: boolean;
  /** What it is given beside its env; left out: nothing. */
  readonly secrets?: readonly SecretUse[];
  readonly configs?: readonly ConfigUse[];
  /** What its registry is shown; left out or null: nothing. */
  readonly registryCredentials?: CredentialsUse | null;
  /** What it uses; left out: nothing. */
  readonly dependencies?: readonly DependencyUse[];
}

/** A replica that a plan orders into being. Its id is derived from (owner, slot, generation). While a service rolls, a slot may hold
 *  two: the one that goes, and the next generation. */
export interface ReplicaOrder {
  readonly replicaId: ReplicaId;
  readonly slot: number;
  /** Counts the replicas of a slot, from 1. */
  readonly generation: number;
  readonly release: number;
  /** When it was ordered, RFC 3339: its healthy deadline counts from here. Left out in orders of before there was one. */
  readonly orderedAt?: string;
  /** The replica of its slot, on the same node, whose room it takes over: it is prepared beside it, and starts after its GONE. Left out
   *  where it starts on its own. */
  readonly replaces?: ReplicaId;
  /** How many replicas of this slot were given up one after the other before this one (`on_exhausted: replace`). Left out: none. */
  readonly tries?: number;
}

/** A batch of a plan, fenced by the revision that the plan was read at. What stands here counts as done in later plans. */
export interface Step {
  readonly creates: readonly ReplicaOrder[];
  readonly stops: readonly { readonly replicaId: ReplicaId; readonly reason: Reason }[];
  /** Ended and released since the last step: nothing more will be heard of them. */
  readonly forgets: readonly ReplicaId[];
  readonly reason: Reason;
}

/** How a deployment ended. FAILED: its replicas are stopped, and the service is halted. ROLLED_BACK: it failed, and the service stands on
 *  its last stable release again. CANCELLED: by request; a service with a stable release stands on it again, unless it was paused,
 *  stopped or deleted. SUPERSEDED: a newer one took over what it had ordered. */
export type DeploymentOutcome = 'SUCCEEDED' | 'FAILED' | 'ROLLED_BACK' | 'CANCELLED' | 'SUPERSEDED';

/** What made it: the service's creation; a new release; a new release that copies an earlier one; the same release once more. */
export type DeploymentKind = 'create' | 'deploy' | 'rollback' | 'restart';

/** What an image reference was found to mean. */
export interface ImagePin {
  /** `docker.io/myorg/api@sha256:…`, or the image id where no registry gave it. */
  readonly reference: string;
  readonly digest: string | null;
  readonly imageId: string;
}

export type Labels = Readonly<Record<string, string>>;
type Nothing = Record<never, never>;

export type DockerServiceEvent =
  | {
      type: 'DockerServiceCreated';
      data: {
        dockerServiceId: DockerServiceId;
        projectId: ProjectId;
        environmentId: EnvironmentId;
        networkId: NetworkId;
        name: string;
        /** `<name>.<environment>.<project>.internal`: what the service answers to in its network. */
        hostname: string;
        kind: 'web' | 'worker';
        replicas: number;
        deploy: DeploySettings;
      };
    }
  /** `copiedFrom`: the release that a rollback copied whole; left out where it was cut from a change. */
  | { type: 'ReleaseCut'; data: { release: number; spec: ContainerSpec; copiedFrom?: number } }
  /** What shapes its containers is to be this from the next deployment on, which cuts a release of it; null: nothing waits any more. */
  | { type: 'ReleasePostponed'; data: { spec: ContainerSpec | null } }
  /** What the release's tag meant when it was first pulled: from now on it means this for every replica of the release. `digest`
   *  (`sha256:…`) is the registry's; null for an image that no registry gave, which is known by its `imageId` only and runs where
   *  it is. `reference`: what its replicas are started from. */
  | { type: 'ReleaseImagePinned'; data: { release: number } & ImagePin }
  | {
      type: 'DeploymentStarted';
      data: {
        deploymentId: DeploymentId;
        kind: DeploymentKind;
        /** The last stable one: where it returns to. Null before the first. */
        fromRelease: number | null;
        toRelease: number;
        /** In force for this deployment: the service's own, with what was given for it alone. */
        settings: DeploySettings;
        /** The one that was under way: it ends SUPERSEDED. */
        supersedes: DeploymentId | null;
      };
    }
  /** It returns to the last stable release and ends CANCELLED. */
  | { type: 'DeploymentCancelRequested'; data: { deploymentId: DeploymentId } }
  /** What the deployment ordered goes over to the service: its replicas and the highest generation of each slot. */
  | {
      type: 'DeploymentEnded';
      data: {
        deploymentId: DeploymentId;
        outcome: DeploymentOutcome;
        reason: Reason;
        toRelease: number;
        /** All of them, also what was stopped or forgotten since. */
        ordered: readonly ReplicaOrder[];
        stopped: Step['stops'];
        forgotten: readonly ReplicaId[];
      };
    }
  | { type: 'DockerServiceScaled'; data: { from: number; to: number } }
  /** For the deployments from now on. */
  | { type: 'DeploySettingsChanged'; data: { from: DeploySettings; to: DeploySettings } }
  /** Containers carry them from the next release on. */
  | { type: 'DockerServiceLabelsChanged'; data: { from: Labels; to: Labels } }
  /** Its containers are stopped and kept, their room and ports held. */
  | { type: 'DockerServicePaused'; data: Nothing }
  /** Out of a pause or a stop: the same containers start again, where they were kept. */
  | { type: 'DockerServiceResumed'; data: Nothing }
  /** Its containers are removed and their room is given back; configuration, volumes and names stay. */
  | { type: 'DockerServiceStopped'; data: Nothing }
  /** Out of a stop or a pause, or out of a halt: then a deployment follows in the same append. */
  | { type: 'DockerServiceStarted'; data: Nothing }
  /** A batch outside any deployment: a lost replica made good, a scale, a deletion. */
  | { type: 'ServiceStepTaken'; data: Step }
  /** `volumes`: whether those that only it uses go with it; left out: they are kept. Its ephemeral ones go in any case. */
  | { type: 'DockerServiceDeletionRequested'; data: { volumes?: 'keep' | 'delete' } }
  /** On the engine's word: every container is gone. */
  | { type: 'DockerServiceDeleted'; data: { name: string; environmentId: EnvironmentId; projectId: ProjectId } }
  /** The name was claimed but the service never written; a late write of it now conflicts. */
  | { type: 'ReservationVoided'; data: { commandId: string; name: string; reason?: Reason } }
  /** Room was reserved for a change by this command, which never came: a late one now conflicts. */
  | { type: 'ChangeVoided'; data: { commandId: string } };
