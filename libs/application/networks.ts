import { network, OWN_NETWORK, Rejection, streamOf, type CommandMetadata, type ContainerSpec, type EnvironmentId, type ExistingNetwork, type Network, type NetworkId, type ProjectId } from '#domain';
import type { AggregateStore, Handled, HandleOptions } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToNetwork, ToProject } from './aggregate-command.ts';
import { withClaimedName } from './claimed-name.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { refuseWithoutEnvironment } from './standing-environment.ts';

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** A network that is to be made in an environment, beside its own. */
export interface NewNetwork {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
}

/** The id that a network of this name has under the command that makes it: a retry names the same one. */
export const networkIdOf = (commandId: string, name: string): NetworkId => deriveId('net', commandId, `network ${name}`, 0);

/** Claims the name in its environment, then writes the network; the scheduler gives it its subnet. A retry is answered by what stands.
 *  @throws Rejection `environment.not_found`, `network.name_reserved`, `name.taken`, `name.invalid`, `reservation.voided`. */
export async function createNetwork(
  { dispatcher, aggregates }: Parts,
  asked: NewNetwork,
  metadata: CommandMetadata,
  networkId = networkIdOf(metadata.commandId, asked.name),
): Promise<Handled<Network>> {
  if (asked.name === OWN_NETWORK) {
    throw new Rejection('conflict', 'network.name_reserved', `${OWN_NETWORK} is what every environment calls its own network: choose another name`, { pointer: '/name' });
  }
  await refuseWithoutEnvironment(aggregates, { kind: 'network', id: networkId }, asked);
  const data = { ...asked, networkId, driver: 'bridge', subnet: null } as const;
  const claim = { on: asked.projectId, scope: 'network', environmentId: asked.environmentId, name: asked.name, holder: networkId } as const;
  return withClaimedName({ dispatcher, aggregates }, claim, metadata, () => dispatcher.send(new ToNetwork(networkId, { type: 'CreateNetwork', data }, metadata)));
}

/** Makes the networks that whatever is about to be written joins. A retry repeats it without effect.
 *  @throws Rejection as `createNetwork`; `network.exists` where another request makes one of them just now. */
export async function provideNetworks(parts: Parts, creates: readonly NewNetwork[], metadata: CommandMetadata): Promise<void> {
  for (const asked of creates) {
    const id = networkIdOf(metadata.commandId, asked.name);
    await createNetwork(parts, asked, followUp(metadata, commandIdOf('create-network', id)), id).catch((error: unknown) => {
      throw error instanceof Rejection && error.code === 'name.taken' ? madeMeanwhile(asked.name) : error;
    });
  }
}

/** Deletes it, then frees its name: whoever was told that it is gone may make another one of that name. What a crash leaves between the two the scheduler
 *  makes good, as it frees the subnet once no node holds anything that is in it. */
export async function deleteNetwork(dispatcher: Dispatcher, { networkId, projectId, environmentId, name }: ExistingNetwork, metadata: CommandMetadata, options: HandleOptions): Promise<Handled<Network>> {
  const deleted = await dispatcher.send(new ToNetwork(networkId, { type: 'DeleteNetwork', data: {} }, metadata, options));
  const data = { scope: 'network', environmentId, name, holder: networkId } as const;
  await dispatcher.send(new ToProject(projectId, { type: 'ReleaseName', data }, followUp(metadata, commandIdOf('release-name', networkId, metadata.commandId))));
  return deleted;
}

/** What ran before joins its networks again only where they are there still. @throws Rejection `network.deleted` */
export async function refuseDeletedNetworks(aggregates: AggregateStore, { networks = [] }: Pick<ContainerSpec, 'networks'>): Promise<void> {
  for (const { networkId, name } of networks) {
    const { state } = await aggregates.load(network, streamOf('network', networkId));
    if (state.status === 'deleted') throw new Rejection('conflict', 'network.deleted', `the network ${name}, which it joins, was deleted: send it anew with another one`, { networkId });
  }
}

/** Looked for a moment ago, it wasn't there. */
const madeMeanwhile = (name: string): Rejection => new Rejection('conflict', 'network.exists', `another request makes the network ${name} just now: send this one again, and it takes that`);
