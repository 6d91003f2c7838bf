import type { ContainerSpec } from '../docker-service/events.ts';
import type { NetworkId } from '../kernel/ids.ts';
import { LIMITS, violation, type Violation } from '../docker-service/violation.ts';
import { isName, NAME_RULE } from '../project/name.ts';
import { networksToJoin } from '../resource/dependency.ts';

/** What every environment's own network is called; no other is. */
export const OWN_NETWORK = 'default';

/** A network that a container is in beside its environment's own, or that own one with further names in it. */
export interface NetworkJoin {
  readonly networkId: NetworkId;
  /** What it is called in its environment; it never changes. */
  readonly name: string;
  /** What the container answers to there, beside the names that it has everywhere. */
  readonly aliases: readonly string[];
}

/** The parts of a container that say in which networks it is. */
type Joins = Partial<Pick<ContainerSpec, 'networks' | 'defaultNetwork' | 'dependencies'>>;

/** Every network that a container is in, with its further names there: its environment's own first, unless it keeps out of that; those
 *  of what it uses last, where it is in none of them.
 *  @param own the network of its environment */
export function joinedBy({ networks = [], defaultNetwork = true, dependencies }: Joins, own: NetworkId): readonly NetworkJoin[] {
  const inOwn = networks.find(({ networkId }) => networkId === own);
  const others = networks.filter(({ networkId }) => networkId !== own);
  const asked = defaultNetwork || inOwn ? [inOwn ?? { networkId: own, name: OWN_NETWORK, aliases: [] }, ...others] : others;
  return [...asked, ...networksToJoin({ dependencies }, asked.map(({ networkId }) => networkId)).map((network) => ({ ...network, aliases: [] }))];
}

/** Those that have to be there before a replica of such a container has its place; left out where that is its environment's own alone. */
export function networksNeeded(parts: Joins, own: NetworkId): { readonly networks?: readonly NetworkId[] } {
  const ids = joinedBy(parts, own).map(({ networkId }) => networkId);
  return ids.length === 1 && ids[0] === own ? {} : { networks: ids };
}

/** Every violation of the networks that a container is in. */
export function joinViolations({ networks = [], defaultNetwork = true }: Joins): readonly Violation[] {
  if (!defaultNetwork && networks.length === 0) return [violation('/networks', 'required', 'a container is in some network: name one here, or leave default_network out')];
  if (networks.length > LIMITS.networks) return [violation('/networks', 'too_many', `must be at most ${LIMITS.networks} networks`)];
  const seen = new Set<string>();
  return networks.flatMap(({ name, aliases }, index) => {
    const at = `/networks/${index}`;
    const isTwice = seen.has(name);
    seen.add(name);
    return [
      ...nameFlaws(`${at}/name`, name),
      ...(isTwice ? [violation(`${at}/name`, 'duplicate', `${name} is given twice`)] : []),
      ...(name === OWN_NETWORK && !defaultNetwork ? [violation(`${at}/name`, 'exclusive', `${OWN_NETWORK} is the network of the environment, which default_network keeps it out of: leave one of the two out`)] : []),
      ...aliasViolations(`${at}/aliases`, aliases),
    ];
  });
}

function aliasViolations(at: string, aliases: readonly string[]): readonly Violation[] {
  if (aliases.length > LIMITS.aliases) return [violation(at, 'too_many', `must be at most ${LIMITS.aliases} aliases`)];
  return aliases.flatMap((alias, index) => [
    ...nameFlaws(`${at}/${index}`, alias),
    ...(aliases.indexOf(alias) < index ? [violation(`${at}/${index}`, 'duplicate', `${alias} is given twice`)] : []),
  ]);
}

const nameFlaws = (pointer: string, name: string): readonly Violation[] => (isName(name) ? [] : [violation(pointer, 'invalid', `must be ${NAME_RULE}`)]);
