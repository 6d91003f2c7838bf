import type { AccessEvent } from '../access/events.ts';
import type { EnvironmentId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { QuotaEvent } from '../quota/events.ts';

/** Services, volumes, networks and resources are unique within an environment, each kind by itself (claimed on its project's stream), secrets and configs too, or in the project where they belong
 *  to no environment; projects in the platform (on `project-platform`). */
export type NameScope = 'project' | 'docker_service' | 'volume' | 'network' | 'secret' | 'config' | 'resource';

export type ProjectEvent =
  | QuotaEvent
  | AccessEvent
  | { type: 'ProjectCreated'; data: { projectId: ProjectId; name: string } }
  | { type: 'ProjectDeleted'; data: { projectId: ProjectId; name: string } }
  /** The name was claimed but the project never written; a late write of it now conflicts. */
  | { type: 'ProjectReservationVoided'; data: { commandId: string; name: string; reason?: Reason } }
  | { type: 'EnvironmentCreated'; data: { environmentId: EnvironmentId; projectId: ProjectId; name: string; networkId: NetworkId } }
  | { type: 'EnvironmentDeleted'; data: { environmentId: EnvironmentId; projectId: ProjectId; name: string; networkId: NetworkId } }
  /** Written before the thing itself: whoever comes second is refused. `environmentId` is null for the name of a project, and of what all of its environments share. */
  | { type: 'NameClaimed'; data: { scope: NameScope; environmentId: EnvironmentId | null; name: string; holder: string; commandId: string } }
  | { type: 'NameReleased'; data: { scope: NameScope; environmentId: EnvironmentId | null; name: string; holder: string } };
