import type { ConfigId, EnvironmentId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Apply } from '../secret/events.ts';

/** A file that a container is given: the content of a config, or one that stands in the release itself. */
export interface ConfigUse {
  /** Absolute, in the container. */
  readonly path: string;
  /** Permission bits, octal: `0444`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Null where it is a config's. */
  readonly content: string | null;
  readonly configId: ConfigId | null;
  /** Null with `content`, and for a job, a hook or a schedule that follows the latest. */
  readonly version: number | null;
  readonly follows: boolean;
}

export type ConfigEvent =
  /** With its version 1. `environmentId` null: for all of the project. */
  | { type: 'ConfigCreated'; data: { configId: ConfigId; projectId: ProjectId; environmentId: EnvironmentId | null; name: string; valueId: string } }
  | { type: 'ConfigVersionAdded'; data: { configId: ConfigId; version: number; valueId: string; apply: Apply } }
  | { type: 'ConfigDeleted'; data: { configId: ConfigId; projectId: ProjectId; environmentId: EnvironmentId | null; name: string } }
  /** The name was claimed but the config never written; a late write of it now conflicts. */
  | { type: 'ConfigReservationVoided'; data: { commandId: string; name: string; reason?: Reason } };
