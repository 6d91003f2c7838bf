import type { Amount, ContainerSpec, Port, Resources } from '#domain';

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

/** All that shapes a container, as it was asked for: a release of a service, or a job. */
export interface SpecDocument {
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
}

export const amountDocument = ({ cpuMillis, memoryBytes }: Amount): AmountDocument => ({ cpu_millis: cpuMillis, memory_bytes: memoryBytes });

export const resourcesDocument = ({ request, limit }: Resources): ResourcesDocument => ({
  request: amountDocument(request),
  limit: amountDocument(limit),
});

const portDocument = ({ containerPort, protocol, hostPort }: Port): PortDocument => ({ container_port: containerPort, protocol, host_port: hostPort });

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
});
