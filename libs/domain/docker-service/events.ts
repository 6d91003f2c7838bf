import type { DeploymentId, DockerServiceId, EnvironmentId, NetworkId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Resources } from '../kernel/units.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { Healthcheck } from './healthcheck.ts';
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
  readonly labels: Readonly<Record<string, string>>;
  /** `node.labels.zone==a`, `node.name!=host-3`; all must hold. */
  readonly constraints: readonly string[];
  /** Never again in place for a job. */
  readonly restartPolicy: RestartPolicy;
  /** Null: it is well when it runs. */
  readonly healthcheck: Healthcheck | null;
  readonly loggingTarget: LoggingTarget;
  readonly metricsTarget: MetricsTarget;
}

/** A replica that a plan orders into being. Its id is derived from (owner, slot, generation). */
export interface ReplicaOrder {
  readonly replicaId: ReplicaId;
  readonly slot: number;
  /** Counts the replicas of a slot, from 1. */
  readonly generation: number;
  readonly release: number;
}

/** A batch of a plan, fenced by the revision that the plan was read at. What stands here counts as done in later plans. */
export interface Step {
  readonly creates: readonly ReplicaOrder[];
  readonly stops: readonly { readonly replicaId: ReplicaId; readonly reason: Reason }[];
  /** Ended and released since the last step: nothing more will be heard of them. */
  readonly forgets: readonly ReplicaId[];
  readonly reason: Reason;
}

export type DeploymentOutcome = 'SUCCEEDED' | 'FAILED' | 'ROLLED_BACK' | 'CANCELLED' | 'SUPERSEDED';

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
  | { type: 'ReleaseCut'; data: { release: number; spec: ContainerSpec } }
  | { type: 'DeploymentStarted'; data: { deploymentId: DeploymentId; fromRelease: number | null; toRelease: number } }
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
  /** A batch outside any deployment: a lost replica made good, a scale, a deletion. */
  | { type: 'ServiceStepTaken'; data: Step }
  | { type: 'DockerServiceDeletionRequested'; data: Record<never, never> }
  /** On the engine's word: every container is gone. */
  | { type: 'DockerServiceDeleted'; data: { name: string; environmentId: EnvironmentId; projectId: ProjectId } }
  /** The name was claimed but the service never written; a late write of it now conflicts. */
  | { type: 'ReservationVoided'; data: { commandId: string; name: string } };
