import type { EnvironmentId, ProjectId, SecretId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

/** When those who follow the latest version get it: at once, by a deployment for it, or with their next one. */
export type Apply = 'now' | 'next_deploy';

/** A secret that a container is given. No event ever holds its value. */
export interface SecretUse {
  /** The name of the environment variable, or of the file in `/run/secrets`. */
  readonly key: string;
  readonly secretId: SecretId;
  /** Null only for a job, a hook or a schedule that follows the latest: the one that is so when its container is made. */
  readonly version: number | null;
  /** It follows the latest: another version makes another release. */
  readonly follows: boolean;
  readonly as: 'env' | 'file';
}

/** What a registry is shown at a pull; its value is `<user>:<password>`. It shapes no container, so the latest (null) makes no release. */
export interface CredentialsUse {
  readonly secretId: SecretId;
  readonly version: number | null;
}

export type SecretEvent =
  /** With its version 1. `environmentId` null: for all of the project. */
  | { type: 'SecretCreated'; data: { secretId: SecretId; projectId: ProjectId; environmentId: EnvironmentId | null; name: string; valueId: string } }
  | { type: 'SecretVersionAdded'; data: { secretId: SecretId; version: number; valueId: string; apply: Apply } }
  | { type: 'SecretDeleted'; data: { secretId: SecretId; projectId: ProjectId; environmentId: EnvironmentId | null; name: string } }
  /** The name was claimed but the secret never written; a late write of it now conflicts. */
  | { type: 'SecretReservationVoided'; data: { commandId: string; name: string; reason?: Reason } };
