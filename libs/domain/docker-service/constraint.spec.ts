import { constraintFlaw, holds, parseConstraint } from './constraint.ts';

const node = { nodeId: 'node_1', name: 'host-1', architecture: 'amd64', labels: { zone: 'a', 'disk/kind': 'ssd' } } as const;
const judged = (text: string) => {
  const constraint = parseConstraint(text);
  return constraint && holds(constraint, node);
};

describe('a constraint', () => {
  it.each([
    ['node.name==host-1', true],
    ['node.name!=host-1', false],
    ['node.id==node_1', true],
    ['node.id!=node_1', false],
    ['node.arch==amd64', true],
    ['node.arch == arm64', false],
    ['node.labels.zone==a', true],
    ['node.labels.zone == b', false],
    ['node.labels.zone!=b', true],
    ['node.labels.disk/kind==ssd', true],
  ])('%s is %s of host-1 in zone a', (text, expected) => expect(judged(text)).toBe(expected));

  it('takes a label that the node lacks for another value than any', () => {
    expect(judged('node.labels.gpu==yes')).toBe(false);
    expect(judged('node.labels.gpu!=yes')).toBe(true);
    expect(judged('node.labels.constructor!=yes')).toBe(true);
  });

  it('names the field that no node has', () => {
    expect(constraintFlaw('node.ip==10.0.0.1')).toBe('must ask for node.id, node.name, node.arch or node.labels.<key>: node.ip is no field of a node');
    expect(constraintFlaw('zone = a')).toBe('must read like node.labels.zone==a or node.name!=host-3');
    expect(constraintFlaw('node.arch==arm64')).toBeNull();
  });

  it.each(['', 'zone==a', 'node.labels.==a', 'node.labels.zone=a', 'node.labels.zone==', 'node.name==a b', 'node.ip==1', 'node.labels==a', 'node.arch.x==a', 'node.constructor==a', 'node.name==a;rm'])(
    'does not read %j',
    (text) => expect(parseConstraint(text)).toBeNull(),
  );
});
