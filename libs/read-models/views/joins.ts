import { networksToJoin, type ContainerSpec, type NetworkId } from '#domain';
import { dependencyUse } from './dependencies.ts';
import type { ValueUsesDocument } from './value-uses.ts';

/** A network that a container joins, as documents say it. */
export interface JoinDocument {
  readonly network_id: string;
  readonly name: string;
  readonly aliases: readonly string[];
}

/** The networks that a container is in, as documents say it. */
export interface JoinsDocument {
  readonly networks: readonly JoinDocument[];
  /** Whether it is in its environment's own, too. */
  readonly default_network: boolean;
}

type Joins = Pick<ContainerSpec, 'networks' | 'defaultNetwork'>;

/** All of it, also what is left out. */
export const joinsDocument = ({ networks = [], defaultNetwork = true }: Joins): JoinsDocument => ({
  networks: networks.map(({ networkId, name, aliases }) => ({ network_id: networkId, name, aliases })),
  default_network: defaultNetwork,
});

/** Only what is given: the rest is a release's own. */
export function givenJoinsDocument(given: Joins): Partial<JoinsDocument> {
  const { networks, default_network } = joinsDocument(given);
  return { ...(given.networks === undefined ? {} : { networks }), ...(given.defaultNetwork === undefined ? {} : { default_network }) };
}

/** The networks that a document speaks of, and those that it joins for what it uses. @param own its environment's; null: what isn't said is a release's own */
export function networkIdsIn({ networks = [], default_network = true, dependencies = [] }: Partial<JoinsDocument & Pick<ValueUsesDocument, 'dependencies'>>, own: string | null): readonly string[] {
  const asked = [...(own !== null && default_network ? [own] : []), ...networks.map(({ network_id }) => network_id)];
  return [...asked, ...networksToJoin({ dependencies: dependencies.map(dependencyUse) }, asked as NetworkId[]).map(({ networkId }) => networkId)];
}
