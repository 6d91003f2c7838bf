import { networkIdOf, type NewNetwork } from '#application';
import { claimKey, network as networkRules, OWN_NETWORK, project, streamOf, type ContainerSpec, type EnvironmentId, type ExistingNetwork, type NetworkId, type NetworkJoin, type ProjectId } from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { JoinDto } from './network.dto.ts';

/** Where networks are looked for. */
export interface NetworkScope {
  readonly aggregates: AggregateStore;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly commandId: string;
}

/** What a body says of a container's networks. */
interface JoinsDto {
  readonly networks?: readonly JoinDto[] | null;
  readonly default_network?: boolean | null;
}

/** What a body wants joined: networks that are there are found by their name or id, those that aren't are noted to be made. */
export class AskedNetworks {
  readonly #creates = new Map<string, NewNetwork>();

  constructor(private readonly scope: NetworkScope) {}

  /** Those that are to be made first. */
  get creates(): readonly NewNetwork[] {
    return [...this.#creates.values()];
  }

  /** What is given, and nothing else. A list that is given empty means the environment's own, unless that is said.
   *  @param at where the container stands in the body. @param mayMake whether one that isn't there is to be made.
   *  @throws InvalidRequest `network.not_found`, `network.differs` */
  async joins({ networks, default_network }: JoinsDto, at: string, mayMake: boolean): Promise<Pick<ContainerSpec, 'networks' | 'defaultNetwork'>> {
    const joins: NetworkJoin[] = [];
    for (const [index, join] of (networks ?? []).entries()) joins.push(await this.#join(join, `${at}/networks/${index}`, mayMake));
    const defaultNetwork = default_network ?? (networks?.length === 0 ? true : undefined);
    return { ...(networks == null ? {} : { networks: joins }), ...(defaultNetwork === undefined ? {} : { defaultNetwork }) };
  }

  async #join(asked: JoinDto, at: string, mayMake: boolean): Promise<NetworkJoin> {
    const { networkId, name } = asked.network_id == null ? await this.#byName(asked, at, mayMake) : await this.#byId(asked, at);
    return { networkId, name, aliases: asked.aliases ?? [] };
  }

  async #byId(asked: JoinDto, at: string): Promise<ExistingNetwork> {
    const found = await this.#standing(asked.network_id as NetworkId);
    if (!found) throw refused(`${at}/network_id`, 'network.not_found', 'the environment has no such network: GET /v1/networks lists them');
    if (asked.name != null && asked.name !== found.name) throw refused(`${at}/name`, 'network.differs', `the network is called ${found.name}: leave name out`);
    return found;
  }

  async #byName({ name }: JoinDto, at: string, mayMake: boolean): Promise<Pick<NetworkJoin, 'networkId' | 'name'>> {
    if (name == null) throw refused(`${at}/name`, 'required', 'is needed without network_id');
    const { aggregates, projectId, environmentId, commandId } = this.scope;
    const { state } = await aggregates.load(project, streamOf('project', projectId));
    const own = state.environments.get(environmentId)?.networkId;
    if (name === OWN_NETWORK && own) return { name, networkId: own };
    const holder = state.claims.get(claimKey({ scope: 'network', environmentId, name }))?.holder as NetworkId | undefined;
    const found = holder && (await this.#standing(holder));
    if (found) return found;
    const networkId = networkIdOf(commandId, name);
    if (this.#creates.has(name)) return { name, networkId };
    if (!mayMake) throw refused(`${at}/name`, 'network.not_found', `the environment has no network ${name}: make it first, by POST /v1/networks`);
    this.#creates.set(name, { projectId, environmentId, name });
    return { name, networkId };
  }

  async #standing(networkId: NetworkId): Promise<ExistingNetwork | null> {
    const { state } = await this.scope.aggregates.load(networkRules, streamOf('network', networkId));
    return state.status === 'present' && state.environmentId === this.scope.environmentId ? state : null;
  }
}

const refused = (pointer: string, code: string, detail: string): InvalidRequest => new InvalidRequest([{ pointer, code, detail }], code.startsWith('network.') ? code : undefined);
