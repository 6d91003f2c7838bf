import { ToProject, type Dispatcher } from '#application';
import { project, Rejection, streamOf, user, type CommandMetadata, type Project, type ProjectCommand, type UserId } from '#domain';
import { Conflict, type AggregateStore, type Handled } from '#event-store';

type MemberCommand = Extract<ProjectCommand, { type: 'PutMember' | 'RemoveMember' }>;

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** Settlements of quotas move a project's stream, too. */
const TRIES = 20;

/** Sends what changes a member. A project's stream keeps the ids of those who were deleted, and doesn't know that they were: of an owner who is about to leave,
 *  or to be one no more, this asks whether another one is there who may still sign in. At that revision only, so that of the last two not both go.
 *  @throws Rejection `member.last_owner`, and what `Dispatcher.send` throws; Conflict where the project doesn't stand still. */
export async function sendKeepingAnOwner({ dispatcher, aggregates }: Parts, projectId: string, command: MemberCommand, { metadata, ifMatch }: { readonly metadata: CommandMetadata; readonly ifMatch: bigint | undefined }): Promise<Handled<Project>> {
  const stream = streamOf('project', projectId);
  for (let tries = 1; ; tries += 1) {
    const { state, revision } = await aggregates.load(project, stream);
    const leaves = isOwnersEnd(state, command) && !(await aggregates.stands(project, stream, metadata.commandId));
    if (leaves) await refuseLastLivingOwner(aggregates, state, command.data.userId);
    try {
      return await dispatcher.send(new ToProject(projectId, command, metadata, { ifMatch, ...(leaves ? { expected: revision } : {}) }));
    } catch (error) {
      if (!leaves || !(error instanceof Conflict) || tries === TRIES) throw error;
    }
  }
}

function isOwnersEnd({ members }: Project, { type, data }: MemberCommand): boolean {
  return members.get(data.userId) === 'owner' && !(type === 'PutMember' && data.role === 'owner');
}

/** Whoever was deleted may be taken out: nobody loses anything by that. */
async function refuseLastLivingOwner(aggregates: AggregateStore, { members }: Project, userId: UserId): Promise<void> {
  if (!(await isThere(aggregates, userId))) return;
  for (const [id, role] of members) if (role === 'owner' && id !== userId && (await isThere(aggregates, id))) return;
  throw new Rejection('conflict', 'member.last_owner', 'they are the last owner who is still there: make somebody else an owner first', { userId });
}

const isThere = async (aggregates: AggregateStore, userId: UserId): Promise<boolean> => (await aggregates.load(user, streamOf('user', userId))).state.status === 'present';
