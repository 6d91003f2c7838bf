import { holds, parseConstraint } from './constraint.ts';

const node = { name: 'host-1', labels: { zone: 'a', 'disk/kind': 'ssd' } };
const judged = (text: string) => {
  const constraint = parseConstraint(text);
  return constraint && holds(constraint, node);
};

describe('a constraint', () => {
  it.each([
    ['node.name==host-1', true],
    ['node.name!=host-1', false],
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

  it.each(['', 'zone==a', 'node.labels.==a', 'node.labels.zone=a', 'node.labels.zone==', 'node.name==a b', 'node.ip==1', 'node.name==a;rm'])(
    'does not read %j',
    (text) => expect(parseConstraint(text)).toBeNull(),
  );
});
