import {
  type Environment,
  network as networkRules,
  type Network,
  NETWORK_POOL,
  type NetworkId,
  type NetworkPoolCommand,
  networkPool,
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

/** Every environment's network is a block of this size. */
const SUBNET_PREFIX_LENGTH = 24;
/** How soon to look again where nothing that changes is heard of: a full pool, a subnet still in use. */
const LOOK_AGAIN_MS = 10_000;

/** Gives every environment of a project its network with a subnet of its own, another one where an agent found that taken,
 *  and the subnet back when the environment is deleted. */
export class ReconcileNetworks {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
    /** What subnets are cut from: `10.192.0.0/11`. */
    private readonly pool: string,
  ) {}

  /** One look at a project. Repeating it changes nothing. */
  async reconcile(projectId: ProjectId): Promise<void | { againInMs: number }> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    let waits = false;
    for (const environment of state.environments.values()) waits = !(await this.provide(projectId, environment)) || waits;
    for (const entry of [...this.index.networks.values()]) {
      if (entry.projectId === projectId && !state.environments.has(entry.environmentId)) waits = !(await this.withdraw(entry)) || waits;
    }
    return waits ? { againInMs: LOOK_AGAIN_MS } : undefined;
  }

  /** @returns whether the environment has all it needs */
  private async provide(projectId: ProjectId, { environmentId, networkId }: Environment): Promise<boolean> {
    const { state: network } = await this.ports.aggregates.load(networkRules, streamOf('network', networkId));
    if (network.status === 'deleted') return true;
    if (network.status === 'present') await this.barIfTaken(network);
    const subnet = await this.allot(projectId, networkId, network.status === 'absent' ? 'first' : network.subnet);
    if (!subnet) return false;
    if (network.status === 'absent') await this.create({ networkId, projectId, environmentId, name: 'default', driver: 'bridge', subnet });
    else if (network.subnet !== subnet) await this.move(network, subnet);
    return true;
  }

  /** Once it is barred the pool doesn't name it any more, so that a late complaint changes nothing. */
  private async barIfTaken({ networkId, environmentId, projectId, subnet }: ExistingNetwork): Promise<void> {
    const complaint = this.index.complaintOf(environmentId, subnet);
    if (!complaint) return;
    const { nodeId, message } = complaint;
    const data = { networkId, subnet, nodeId, reason: { code: 'subnet_taken', message } };
    await this.change({ type: 'BarSubnet', data }, commandIdOf('bar', networkId, subnet), projectId);
  }

  /** The network's subnet as the pool has it, allotted now where it has none.
   *  @param before the one that it had so far, which names the command @returns null when the pool is exhausted */
  private async allot(projectId: ProjectId, networkId: NetworkId, before: string): Promise<string | null> {
    const pool = await this.ports.aggregates.load(networkPool, POOL);
    const stands = pool.state.allotted.get(networkId);
    if (stands) return stands;
    try {
      const data = { networkId, pool: this.pool, prefixLength: SUBNET_PREFIX_LENGTH };
      const { state } = await this.change({ type: 'AllotSubnet', data }, commandIdOf('allot', networkId, before), projectId);
      return state.allotted.get(networkId) ?? null;
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.ports.logger.error('no subnet can be allotted', { network_id: networkId, code: error.code, detail: error.detail });
      return null;
    }
  }

  private async create(data: Parameters<typeof createCommand>[0]): Promise<void> {
    await this.changeNetwork(data, createCommand(data), commandIdOf('create', data.networkId));
  }

  private async move(network: ExistingNetwork, to: string): Promise<void> {
    const reason: Reason = { code: 'subnet_taken', message: `${network.subnet} is in use on a node` };
    await this.changeNetwork(network, { type: 'ChangeSubnet', data: { to, reason } }, commandIdOf('move', network.networkId, to));
  }

  /** The subnet stays allotted as long as a node holds anything in it. @returns whether it is done */
  private async withdraw({ networkId, environmentId, projectId }: NetworkEntry): Promise<boolean> {
    if (this.index.nodesOf(environmentId).length > 0) return false;
    await this.changeNetwork({ networkId, projectId }, { type: 'DeleteNetwork', data: {} }, commandIdOf('delete', networkId));
    await this.change({ type: 'FreeSubnet', data: { networkId } }, commandIdOf('free', networkId), projectId);
    return true;
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

type ExistingNetwork = Exclude<Network, { status: 'absent' }>;
type CreateNetwork = Extract<Parameters<typeof networkRules.decide>[1], { type: 'CreateNetwork' }>;

const POOL = streamOf('network_pool', NETWORK_POOL);
const createCommand = (data: CreateNetwork['data']): CreateNetwork => ({ type: 'CreateNetwork', data });
