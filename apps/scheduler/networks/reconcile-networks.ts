import { fateOf, voidReserved } from '#application';
import {
  type Environment,
  type ExistingNetwork,
  network as networkRules,
  type Network,
  NETWORK_POOL,
  type NetworkId,
  type NetworkPoolCommand,
  networkPool,
  OWN_NETWORK,
  PLATFORM,
  project as projectRules,
  type ProjectId,
  type Reason,
  Rejection,
  streamOf,
} from '#domain';
import type { Handled } from '#event-store';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex, NetworkEntry } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import type { NetworkTroubles } from './lacking-network.ts';

/** Every network is a block of this size. */
const SUBNET_PREFIX_LENGTH = 24;
/** How soon to look again where nothing that changes is heard of: a full pool, a subnet still in use. */
const LOOK_AGAIN_MS = 10_000;

const ENVIRONMENT_GONE: Reason = { code: 'environment_deleted', message: 'its environment was deleted before it was made' };

/** Gives every network of a project a subnet of its own: those of its environments, which it makes, and further ones, which somebody named;
 *  another one where an agent found that taken; and the subnet back when the network is deleted, or its environment. */
export class ReconcileNetworks {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
    /** `pool`: what subnets are cut from, `10.192.0.0/11`; `troubles`: for whoever has to say why a network isn't there. */
    private readonly options: { readonly pool: string; readonly troubles: NetworkTroubles },
  ) {}

  /** One look at a project. Repeating it changes nothing. */
  async reconcile(projectId: ProjectId): Promise<void | { againInMs: number }> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    let waits = false;
    for (const environment of state.environments.values()) waits = !(await this.provide(projectId, environment)) || waits;
    for (const entry of [...this.index.networks.values()].filter((each) => each.projectId === projectId)) {
      const isWanted = state.environments.has(entry.environmentId) && !entry.deleted;
      if (!isWanted) waits = !(await this.withdraw(entry)) || waits;
      else if (entry.name !== OWN_NETWORK) waits = !(await this.provide(projectId, entry)) || waits;
    }
    for (const networkId of this.index.subnets.strays(projectId, (id) => this.index.networks.has(id))) await this.reclaim(projectId, networkId);
    return waits ? { againInMs: LOOK_AGAIN_MS } : undefined;
  }

  /** @returns whether the network has all it needs */
  private async provide(projectId: ProjectId, { environmentId, networkId }: Pick<Environment, 'environmentId' | 'networkId'>): Promise<boolean> {
    const { state: network } = await this.ports.aggregates.load(networkRules, streamOf('network', networkId));
    if (network.status === 'deleted' || network.status === 'voided') return true;
    if (network.status === 'present') await this.barIfTaken(network);
    const subnet = await this.allot(projectId, networkId, network.status === 'absent' ? null : network.subnet);
    if (!subnet) return false;
    if (network.status === 'absent') await this.create({ networkId, projectId, environmentId, name: OWN_NETWORK, driver: 'bridge', subnet });
    else if (network.subnet !== subnet) await this.move(network, subnet);
    return true;
  }

  /** Once it is barred the pool doesn't name it any more, so that a late complaint changes nothing. */
  private async barIfTaken({ networkId, environmentId, projectId, subnet }: ExistingNetwork): Promise<void> {
    const complaint = subnet === null ? null : this.index.complaintOf(environmentId, subnet);
    if (!complaint || subnet === null) return;
    const { nodeId, message } = complaint;
    const data = { networkId, subnet, nodeId, reason: { code: 'subnet_taken', message } };
    await this.change({ type: 'BarSubnet', data }, commandIdOf('bar', networkId, subnet), projectId);
  }

  /** The network's subnet as the pool has it, allotted now where it has none.
   *  @param before the one that it had so far, which names the command @returns null when the pool is exhausted */
  private async allot(projectId: ProjectId, networkId: NetworkId, before: string | null): Promise<string | null> {
    const { pool, troubles } = this.options;
    const { state: present } = await this.ports.aggregates.load(networkPool, POOL);
    const stands = present.allotted.get(networkId);
    if (stands) return stands;
    try {
      const data = { networkId, pool, prefixLength: SUBNET_PREFIX_LENGTH };
      const { state } = await this.change({ type: 'AllotSubnet', data }, commandIdOf('allot', networkId, before ?? 'first'), projectId);
      troubles.delete(networkId);
      return state.allotted.get(networkId) ?? null;
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.ports.logger.error('no subnet can be allotted', { network_id: networkId, code: error.code, detail: error.detail });
      troubles.set(networkId, `no subnet of ${pool} is free: ${error.detail}`);
      return null;
    }
  }

  private async create(data: CreateNetwork['data']): Promise<void> {
    await this.changeNetwork(data, { type: 'CreateNetwork', data }, commandIdOf('create', data.networkId));
  }

  private async move(network: ExistingNetwork, to: string): Promise<void> {
    const reason: Reason = network.subnet === null ? { code: 'subnet_allotted', message: `${to} was allotted to it` } : { code: 'subnet_taken', message: `${network.subnet} is in use on a node` };
    await this.changeNetwork(network, { type: 'ChangeSubnet', data: { to, reason } }, commandIdOf('move', network.networkId, to));
  }

  /** The subnet stays allotted as long as a node holds anything in it. @returns whether it is done */
  private async withdraw({ networkId, environmentId, projectId, name, deleted }: NetworkEntry): Promise<boolean> {
    const isHeld = name === OWN_NETWORK ? this.index.nodesOf(environmentId).length > 0 : this.index.isJoined(networkId);
    if (isHeld) return false;
    if (!deleted) await this.changeNetwork({ networkId, projectId }, { type: 'DeleteNetwork', data: {} }, commandIdOf('delete', networkId));
    await this.free(projectId, networkId);
    this.options.troubles.delete(networkId);
    this.index.dropNetwork(networkId);
    return true;
  }

  /** A subnet that was allotted before its network was to be written, and the environment went meanwhile, or after the network's end, by a scheduler that had stood
   *  still. What was never written is voided first: a late write of it then fails. */
  private async reclaim(projectId: ProjectId, networkId: NetworkId): Promise<void> {
    const reserved = { kind: 'network', id: networkId } as const;
    const fate = await fateOf(this.ports.aggregates, reserved);
    if (fate === 'present') return;
    const metadata = causedBy(this.index.causeOf(projectId), commandIdOf('void', networkId), projectId, this.ports.clock.now());
    const creation = { commandId: commandIdOf('create', networkId), name: OWN_NETWORK, reason: ENVIRONMENT_GONE };
    if (fate === 'absent' && !(await voidReserved(this.ports.aggregates, reserved, creation, metadata))) return;
    await this.free(projectId, networkId);
  }

  /** By the subnet that it has: what it was given later is another command's. */
  private async free(projectId: ProjectId, networkId: NetworkId): Promise<void> {
    const { state } = await this.ports.aggregates.load(networkPool, POOL);
    const subnet = state.allotted.get(networkId);
    if (subnet) await this.change({ type: 'FreeSubnet', data: { networkId } }, commandIdOf('free', networkId, subnet), projectId);
  }

  private changeNetwork(
    { networkId, projectId }: { networkId: NetworkId; projectId: ProjectId },
    command: Parameters<typeof networkRules.decide>[1],
    commandId: string,
  ): Promise<Handled<Network>> {
    const metadata = causedBy(this.index.causeOf(networkId) ?? this.index.causeOf(projectId), commandId, projectId, this.ports.clock.now());
    return this.ports.aggregates.handle(networkRules, streamOf('network', networkId), command, metadata);
  }

  private change(command: NetworkPoolCommand, commandId: string, projectId: ProjectId): Promise<Handled<typeof networkPool.initial>> {
    const metadata = causedBy(this.index.causeOf(projectId), commandId, PLATFORM, this.ports.clock.now());
    return this.ports.aggregates.handle(networkPool, POOL, command, metadata);
  }
}

type CreateNetwork = Extract<Parameters<typeof networkRules.decide>[1], { type: 'CreateNetwork' }>;

const POOL = streamOf('network_pool', NETWORK_POOL);
