import type { Amount, ContainerSpec, Healthcheck, Port, Resources, RestartPolicy, VolumeMount } from '#domain';
import { valueUsesDocument, type ValueUsesDocument } from './value-uses.ts';

/** An amount as documents say it. */
export interface AmountDocument {
  readonly cpu_millis: number;
  readonly memory_bytes: number;
}

/** Request and limit as documents say them. */
export interface ResourcesDocument {
  readonly request: AmountDocument;
  readonly limit: AmountDocument;
}

/** A port as documents say it; `host_port` null: open in the environment's network only. */
export interface PortDocument {
  readonly container_port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly host_port: number | null;
}

/** What a container finds at a path of its own, as documents say it: a volume, memory (`backend: tmpfs`), or a folder of the host. */
export type MountDocument =
  | { readonly volume_id: string; readonly name: string; readonly mount_path: string; readonly read_only: boolean }
  | { readonly type: 'ephemeral'; readonly backend: 'tmpfs'; readonly mount_path: string; readonly size_bytes?: number }
  | { readonly type: 'host_path'; readonly host_path: string; readonly mount_path: string; readonly read_only: boolean };

/** All that shapes a container, as it was asked for: a release of a service, or a job. */
export interface SpecDocument extends ValueUsesDocument {
  readonly image: string;
  readonly pull_policy: ContainerSpec['pullPolicy'];
  readonly command: readonly string[] | null;
  readonly args: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortDocument[];
  readonly plan: string | null;
  readonly resources: ResourcesDocument;
  readonly labels: Readonly<Record<string, string>>;
  readonly constraints: readonly string[];
  readonly logging_target: ContainerSpec['loggingTarget'];
  readonly metrics_target: ContainerSpec['metricsTarget'];
  readonly volumes: readonly MountDocument[];
}

/** What is done after a container's end, as documents say it; null: as it is by default. */
export interface RestartPolicyDocument {
  readonly name: RestartPolicy['name'];
  readonly max_retries: number;
  readonly delay_ms: number | null;
  readonly backoff: RestartPolicy['backoff'];
  readonly window_ms: number | null;
  readonly on_exhausted: RestartPolicy['onExhausted'];
}

/** A check as documents say it, with what its type has: `path` and `port`, `port`, or `command`. */
export interface HealthcheckDocument {
  readonly type: Healthcheck['probe']['type'];
  readonly path?: string;
  readonly port?: number;
  readonly command?: readonly string[];
  readonly interval_ms: number;
  readonly timeout_ms: number;
  readonly healthy_threshold: number;
  readonly unhealthy_threshold: number;
  readonly on_unhealthy: Healthcheck['onUnhealthy'];
}

/** All that shapes the container of a service: a release. */
export interface ReleaseSpecDocument extends SpecDocument {
  readonly restart_policy: RestartPolicyDocument;
  readonly healthcheck: HealthcheckDocument | null;
}

export const amountDocument = ({ cpuMillis, memoryBytes }: Amount): AmountDocument => ({ cpu_millis: cpuMillis, memory_bytes: memoryBytes });

export const resourcesDocument = ({ request, limit }: Resources): ResourcesDocument => ({
  request: amountDocument(request),
  limit: amountDocument(limit),
});

const portDocument = ({ containerPort, protocol, hostPort }: Port): PortDocument => ({ container_port: containerPort, protocol, host_port: hostPort });

export function mountDocument(mount: VolumeMount): MountDocument {
  if (mount.type === 'volume') return { volume_id: mount.volumeId, name: mount.name, mount_path: mount.mountPath, read_only: mount.readOnly };
  if (mount.type === 'host_path') return { type: 'host_path', host_path: mount.source, mount_path: mount.mountPath, read_only: mount.readOnly };
  return { type: 'ephemeral', backend: 'tmpfs', mount_path: mount.mountPath, ...(mount.sizeBytes === null ? {} : { size_bytes: mount.sizeBytes }) };
}

export const specDocument = (spec: ContainerSpec): SpecDocument => ({
  image: spec.image,
  pull_policy: spec.pullPolicy,
  command: spec.command,
  args: spec.args,
  env: spec.env,
  ports: spec.ports.map(portDocument),
  plan: spec.plan,
  resources: resourcesDocument(spec.resources),
  labels: spec.labels,
  constraints: spec.constraints,
  logging_target: spec.loggingTarget,
  metrics_target: spec.metricsTarget,
  volumes: (spec.volumes ?? []).map(mountDocument),
  ...valueUsesDocument(spec),
});

export const restartPolicyDocument = (policy: RestartPolicy): RestartPolicyDocument => ({
  name: policy.name,
  max_retries: policy.maxRetries,
  delay_ms: policy.delayMs,
  backoff: policy.backoff,
  window_ms: policy.windowMs,
  on_exhausted: policy.onExhausted,
});

export const healthcheckDocument = (check: Healthcheck): HealthcheckDocument => ({
  ...check.probe,
  interval_ms: check.intervalMs,
  timeout_ms: check.timeoutMs,
  healthy_threshold: check.healthyThreshold,
  unhealthy_threshold: check.unhealthyThreshold,
  on_unhealthy: check.onUnhealthy,
});

export const releaseSpecDocument = (spec: ContainerSpec): ReleaseSpecDocument => ({
  ...specDocument(spec),
  restart_policy: restartPolicyDocument(spec.restartPolicy),
  healthcheck: spec.healthcheck && healthcheckDocument(spec.healthcheck),
});
