import { dockerService, Rejection, streamOf, tooLate, type CommandMetadata, type DeploymentId, type DockerService, type DockerServiceCommand, type ExistingDockerService } from '#domain';
import { Conflict, PreconditionFailed, type AggregateStore, type Handled } from '#event-store';
import { ToDockerService } from './aggregate-command.ts';
import type { Dispatcher } from './dispatcher.ts';
import { reserveForChange } from './reserve-room.ts';
import { standingOr } from './standing-or.ts';

/** A change that follows from what the service is at the moment. */
export interface Change {
  readonly dockerServiceId: string;
  /** What to send, given the service as it stands; asked again where it has moved meanwhile. @throws what refuses the change. */
  readonly from: (service: ExistingDockerService) => Promise<DockerServiceCommand>;
  /** The revision that the client saw. */
  readonly ifMatch: bigint | undefined;
}

/** The service moves all the time while it rolls: each of its steps is an event. */
const TRIES = 20;

/** Sends a command that was made out of the service's present state, and at that state only: so of two that change different parts of
 *  it at once, none undoes the other. Room for it is reserved first. A retry is answered by what it did, without being made again.
 *  @throws what `Dispatcher.send` and `from` throw; Rejection `quota.exceeded`, `reservation.voided`; Conflict where it doesn't stand still. */
export function changeDockerService(parts: Parts, change: Change, metadata: CommandMetadata): Promise<Handled<DockerService>> {
  // Each of them waits for what the one before leads to: side by side they would only be in each other's way.
  return parts.dispatcher.inTurn(change.dockerServiceId, () => standingOr(() => serviceChangedBefore(parts, change.dockerServiceId, metadata), () => changeAtRest(parts, change, metadata)));
}

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** What the command did to a service before, whatever has become since of what it names: a plan, a secret, a volume, a node's room. Null: it stands nowhere.
 *  @throws Rejection `idempotency.key_reused` where it was sent with another body. */
export async function serviceChangedBefore({ dispatcher, aggregates }: Parts, dockerServiceId: string, metadata: CommandMetadata): Promise<Handled<DockerService> | null> {
  if (!(await aggregates.stands(dockerService, streamOf('docker_service', dockerServiceId), metadata.commandId))) return null;
  return dispatcher.send(new ToDockerService(dockerServiceId, NOTHING, metadata));
}

async function changeAtRest(parts: Parts, { dockerServiceId, from, ifMatch }: Change, metadata: CommandMetadata): Promise<Handled<DockerService>> {
  const { dispatcher, aggregates } = parts;
  const stream = streamOf('docker_service', dockerServiceId);
  for (let tries = 1; ; tries += 1) {
    const { state, revision } = await aggregates.load(dockerService, stream);
    if (state.status !== 'present') throw new Rejection('not_found', 'docker_service.not_found', 'no service of this id was ever created');
    // Before anything is made for it.
    if (ifMatch !== undefined && revision !== ifMatch) throw new PreconditionFailed(stream, ifMatch, revision);
    if (state.voided.has(metadata.commandId)) throw tooLate('room');
    const command = await from(state);
    if (revision !== null) await reserveForChange(parts, { service: state, revision, command }, metadata);
    try {
      return await dispatcher.send(new ToDockerService(dockerServiceId, command, metadata, { ifMatch, expected: revision }));
    } catch (error) {
      if (!(error instanceof Conflict) || tries === TRIES) throw error;
    }
  }
}

/** What stands in the stream is the answer, whatever is sent. */
const NOTHING: DockerServiceCommand = { type: 'ChangeDockerService', data: { deploymentId: 'dep_' } };

/** The deployment that a command started; null where it started none. */
export const startedDeployment = ({ events }: Handled<DockerService>): DeploymentId | null => {
  const started = events.find(({ type }) => type === 'DeploymentStarted');
  return started ? (started.data as { deploymentId: DeploymentId }).deploymentId : null;
};
