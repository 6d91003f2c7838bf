import type { DockerServiceId, EnvironmentId, ProjectId, ResourceId, SecretId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

export const RESOURCE_KINDS = ['postgres', 'mysql', 'redis', 'nginx', 'http', 'generic'] as const;
/** What is spoken there: it gives the port, the prefix of the variables, and the scheme of the URL. */
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** A secret's value; `version` null: the latest, which every dependant follows. */
export interface PasswordUse {
  readonly secretId: SecretId;
  readonly version: number | null;
}

/** How a resource is reached: at a host elsewhere, or at a service. */
export interface ResourceSettings {
  /** What dependants call it by. */
  readonly hostname: string;
  /** An IP address or a DNS name; null where a service is behind it. */
  readonly host: string | null;
  /** Null only with a service behind it: its first port, else the kind's own. */
  readonly port: number | null;
  readonly user: string | null;
  readonly database: string | null;
  readonly password: PasswordUse | null;
  readonly dockerServiceId: DockerServiceId | null;
}

export type ResourceEvent =
  | { type: 'ResourceCreated'; data: { resourceId: ResourceId; projectId: ProjectId; environmentId: EnvironmentId; name: string; kind: ResourceKind; settings: ResourceSettings } }
  /** `version` counts the ways that it was reached, from 1 at its creation: who depends on it is rolled to the latest. */
  | { type: 'ResourceChanged'; data: { resourceId: ResourceId; version: number; from: ResourceSettings; to: ResourceSettings } }
  | { type: 'ResourceDeleted'; data: { resourceId: ResourceId; projectId: ProjectId; environmentId: EnvironmentId; name: string } }
  /** The name was claimed but the resource never written; a late write of it now conflicts. */
  | { type: 'ResourceReservationVoided'; data: { commandId: string; name: string; reason?: Reason } };
