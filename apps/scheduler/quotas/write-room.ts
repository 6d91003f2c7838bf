import { type CommandMetadata, project as projectRules, type ProjectId, type Quotas, type RoomHolder, streamOf } from '#domain';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** What a project's stream says of its quotas, and writes to it about who holds what. */
export class WriteRoom {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
    private readonly index: LogIndex,
  ) {}

  async read(projectId: ProjectId): Promise<{ readonly quotas: Quotas; readonly revision: bigint | null }> {
    const { state, revision } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    return { quotas: state.quotas, revision };
  }

  /** As it was heard last: enough to see that nothing is to be written. */
  async heard(projectId: ProjectId): Promise<{ readonly quotas: Quotas; readonly revision: bigint | null }> {
    const known = this.ports.aggregates.known(projectRules, streamOf('project', projectId));
    return known ? { quotas: known.state.quotas, revision: known.revision } : this.read(projectId);
  }

  /** Never refused. @param revision of the project's stream, as this was found to be needed */
  async settle(projectId: ProjectId, room: RoomHolder & { readonly isFound: boolean }, revision: bigint | null): Promise<void> {
    const commandId = commandIdOf('settle-room', room.holder, String(room.at), String(revision));
    await this.ports.aggregates.handle(projectRules, streamOf('project', projectId), { type: 'SettleRoom', data: room }, this.metadata(room.holder, projectId, commandId));
  }

  /** Silent where nothing is held. @param revision of the project's stream, as this was found to be needed */
  async release(projectId: ProjectId, holder: string, revision: bigint | null): Promise<void> {
    const commandId = commandIdOf('release-room', holder, String(revision));
    await this.ports.aggregates.handle(projectRules, streamOf('project', projectId), { type: 'ReleaseRoom', data: { holder } }, this.metadata(holder, projectId, commandId));
  }

  metadata(holder: string, projectId: ProjectId, commandId: string): CommandMetadata {
    return causedBy(this.index.causeOf(holder) ?? this.index.causeOf(projectId), commandId, projectId, this.ports.clock.now());
  }
}
