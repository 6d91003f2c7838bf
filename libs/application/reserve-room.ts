import {
  deployment, dockerService, fold, isWithin, jobRoom, serviceRoom, streamOf,
  type CommandMetadata, type ContainerSpec, type DockerServiceCommand, type ExistingDockerService, type HeldReplica, type JobId, type ProjectId, type QuotaAmounts, type RoomHolder,
} from '#domain';
import type { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';
import { ToProject } from './aggregate-command.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** A service as it was read, and the command that is to be sent at just that revision. */
export interface PlannedChange {
  readonly service: ExistingDockerService;
  readonly revision: bigint;
  readonly command: DockerServiceCommand;
}

/** Reserves, on the project's stream, what a service may come to need with a change, before the change is written: so of many at once only those are
 *  let through that there is room for. The service's stream fences it: a change that comes at another revision reserves anew, and what was reserved
 *  for one that never comes is given back by the scheduler. A change that asks for no more writes nothing.
 *  @throws Rejection `quota.exceeded`, and what the service's own rules say against the command */
export async function reserveForChange({ dispatcher, aggregates }: Parts, planned: PlannedChange, metadata: CommandMetadata): Promise<void> {
  const room = await roomForChange(aggregates, planned);
  if (room) await reserveRoom(dispatcher, planned.service.projectId, room, metadata);
}

/** What a change has to reserve; null where it asks for no more than what is reserved. @throws what the service's own rules say against the command */
export async function roomForChange(aggregates: AggregateStore, { service, revision, command }: PlannedChange): Promise<RoomHolder | null> {
  const events = dockerService.decide(service, command);
  const after = events.reduce(dockerService.evolve, service);
  if (after.status !== 'present') return null;
  const startsDeployment = events.some(({ type }) => type === 'DeploymentStarted');
  if (!startsDeployment && isWithin(serviceRoom(after, []), serviceRoom(service, []))) return null;
  const amounts = serviceRoom(after, await heldReplicas(aggregates, service));
  const { dockerServiceId } = service;
  return { holder: dockerServiceId, countsFor: dockerServiceId, at: Number(revision) + 1, amounts };
}

/** What a service needs from its creation on. */
export function roomOfCreation({ deploymentId, spec, ...created }: Extract<DockerServiceCommand, { type: 'CreateDockerService' }>['data']): QuotaAmounts {
  const state = fold(dockerService, dockerService.decide(dockerService.initial, { type: 'CreateDockerService', data: { ...created, deploymentId, spec } }));
  if (state.status !== 'present') throw new Error('a service that was created is present');
  return serviceRoom(state, []);
}

/** Reserves the room of a job before it is written. @throws Rejection `quota.exceeded` */
export const reserveForJob = (dispatcher: Dispatcher, { jobId, projectId, spec }: { readonly jobId: JobId; readonly projectId: ProjectId; readonly spec: ContainerSpec }, metadata: CommandMetadata): Promise<void> =>
  reserveRoom(dispatcher, projectId, { holder: jobId, countsFor: null, at: 0, amounts: jobRoom(spec) }, metadata);

/** Gives back what a job that was refused after all had reserved. */
export async function releaseRoomOf(dispatcher: Dispatcher, projectId: ProjectId, holder: string, metadata: CommandMetadata): Promise<void> {
  const giving = followUp({ ...metadata, tenantId: projectId }, commandIdOf('release-room', holder, metadata.commandId));
  await dispatcher.send(new ToProject(projectId, { type: 'ReleaseRoom', data: { holder } }, giving));
}

/** Under a name that says for which command, and at which place: the same again finds what it reserved. */
async function reserveRoom(dispatcher: Dispatcher, projectId: ProjectId, room: RoomHolder, metadata: CommandMetadata): Promise<void> {
  const reserving = followUp({ ...metadata, tenantId: projectId }, commandIdOf('reserve', room.holder, metadata.commandId, String(room.at)));
  await dispatcher.send(new ToProject(projectId, { type: 'ReserveRoom', data: { ...room, commandId: metadata.commandId } }, reserving));
}

/** What stands ordered of a service and of its deployments that haven't ended, over or not: nobody looks at replicas here. */
async function heldReplicas(aggregates: AggregateStore, service: ExistingDockerService): Promise<readonly HeldReplica[]> {
  const held = new Map<string, HeldReplica>();
  for (const { stopped, ...order } of service.orders.replicas.values()) held.set(order.replicaId, { ...order, isStopped: stopped !== null, isNew: false });
  for (const { deploymentId } of [...service.superseded, ...(service.activeDeployment ? [service.activeDeployment] : [])]) {
    const { state } = await aggregates.load(deployment, streamOf('deployment', deploymentId));
    if (state.status !== 'opened') continue;
    const isNew = deploymentId === service.activeDeployment?.deploymentId;
    for (const { stopped, ...order } of state.orders.replicas.values()) held.set(order.replicaId, { ...order, isStopped: stopped !== null, isNew });
    // A deployment forgets what the service had ordered before it.
    for (const replicaId of state.handOver.forgotten) held.delete(replicaId);
  }
  return [...held.values()];
}
