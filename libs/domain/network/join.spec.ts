import type { NetworkId } from '../kernel/ids.ts';
import { joinedBy, joinViolations, networksNeeded, type NetworkJoin } from './join.ts';

const OWN = 'net_own' as NetworkId;
const join = (name: string, ...aliases: string[]): NetworkJoin => ({ networkId: name === 'default' ? OWN : `net_${name}`, name, aliases });
const found = (networks: readonly NetworkJoin[], defaultNetwork?: boolean) => joinViolations({ networks, defaultNetwork }).map(({ pointer, code }) => `${pointer} ${code}`);

describe('the networks of a container', () => {
  it('are its environment’s own, and those that it names beside', () => {
    expect(joinedBy({}, OWN)).toEqual([join('default')]);
    expect(joinedBy({ networks: [join('backend', 'api')] }, OWN)).toEqual([join('default'), join('backend', 'api')]);
    expect(joinedBy({ networks: [join('backend')], defaultNetwork: false }, OWN)).toEqual([join('backend')]);
  });

  it('may name its environment’s own for the sake of aliases there', () =>
    expect(joinedBy({ networks: [join('backend'), join('default', 'db')] }, OWN)).toEqual([join('default', 'db'), join('backend')]));

  it('are told of a replica only where they aren’t its environment’s own alone', () => {
    expect(networksNeeded({ networks: [join('default', 'db')] }, OWN)).toEqual({});
    expect(networksNeeded({ networks: [join('backend')] }, OWN)).toEqual({ networks: [OWN, 'net_backend'] });
    expect(networksNeeded({ networks: [join('backend')], defaultNetwork: false }, OWN)).toEqual({ networks: ['net_backend'] });
  });

  it('are at least one, each named once', () => {
    expect(found([join('backend'), join('frontend')])).toEqual([]);
    expect(found([], false)).toEqual(['/networks required']);
    expect(found([join('backend'), join('backend')])).toEqual(['/networks/1/name duplicate']);
    expect(found([join('default')], false)).toEqual(['/networks/0/name exclusive']);
    expect(found([join('Backend'), join('-')])).toEqual(['/networks/0/name invalid', '/networks/1/name invalid']);
  });

  it('are sixteen at most, and so are its further names in each', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
    expect(found(many(16).map((name) => join(name)))).toEqual([]);
    expect(found(many(17).map((name) => join(name)))).toEqual(['/networks too_many']);
    expect(found([join('backend', ...many(16))])).toEqual([]);
    expect(found([join('backend', ...many(17))])).toEqual(['/networks/0/aliases too_many']);
  });

  it('are answered to by names that a resolver takes, each given once', () =>
    expect(found([join('backend', 'db', 'a b', 'db', 'x.y')])).toEqual(['/networks/0/aliases/1 invalid', '/networks/0/aliases/2 duplicate', '/networks/0/aliases/3 invalid']));
});
