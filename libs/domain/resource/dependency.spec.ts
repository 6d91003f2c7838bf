import fc from 'fast-check';
import { joinedBy } from '../network/join.ts';
import { awaitedBy, linksIn, networksToJoin, targetsBehind, usedBy, waitsOf, withTargets, type DependencyTarget, type DependencyUse } from './dependency.ts';
import { dependencyViolations } from './dependency-rules.ts';
import type { ResourceKind } from './events.ts';
import { injectedInto, passwordsNeeded, prefixOf } from './injected.ts';
import { waitCycle } from './waits.ts';

const password = { secretId: 'sec_p', version: 3, follows: true } as const;
const target = (over: Partial<DependencyTarget> = {}): DependencyTarget => ({
  name: 'main-db', kind: 'postgres', version: 1, hostname: 'main-db', address: null, dockerServiceId: 'svc_db', networks: [{ networkId: 'net_a', name: 'default' }], port: 5432, user: 'app', database: 'shop', password, ...over,
});
const use = (over: Partial<DependencyUse> = {}): DependencyUse => ({ resourceId: 'res_a', dockerServiceId: null, prefix: null, wait: null, target: target(), ...over });
const spec = (dependencies: DependencyUse[], over: object = {}) => ({ env: {}, secrets: [], dependencies, ...over });
const variables = (dependencies: DependencyUse[], over: object = {}, secret: string | null = null) => Object.fromEntries(injectedInto(spec(dependencies, over), () => secret).map(({ name, value }) => [name, value]));

describe('what a dependency puts into an environment', () => {
  it('says how to reach it; what holds a password is shown to nobody', () => {
    expect(variables([use()])).toEqual({ DB_HOST: 'main-db', DB_PORT: '5432', DB_USER: 'app', DB_PASS: null, DB_NAME: 'shop', DB_URL: null });
    expect(variables([use()], {}, 's3cret')).toMatchObject({ DB_PASS: 's3cret', DB_URL: 'postgres://app:s3cret@main-db:5432/shop' });
  });

  it('leaves out what there is not', () => {
    expect(variables([use({ target: target({ kind: 'redis', port: 6379, user: null, database: null, password: null }) })])).toEqual({ REDIS_HOST: 'main-db', REDIS_PORT: '6379', REDIS_URL: 'redis://main-db:6379' });
    expect(variables([use({ target: null })])).toEqual({});
  });

  it('has a URL that reads back as what was put in, whatever that is', () => {
    const texts = fc.string({ minLength: 1, unit: 'grapheme' });
    // A path of dots is a folder to every reader of URLs (RFC 3986 §5.2.4), escaped or not: no resource has such a database.
    const names = texts.filter((text) => !/^\.{1,2}$/.test(text));
    fc.assert(fc.property(texts, names, texts, (user, database, secret) => {
      const url = new URL(variables([use({ target: target({ user, database }) })], {}, secret)['DB_URL']!);
      expect([url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent)).toEqual([user, secret, database]);
      expect([url.host, url.protocol]).toEqual(['main-db:5432', 'postgres:']);
    }));
  });

  it('has a prefix by its kind, or by the name of the service, unless one is given', () => {
    const of = (kind: ResourceKind | null, name = 'x'): string | null => prefixOf(use({ target: target({ kind, name }) }));
    expect([of('postgres'), of('mysql'), of('redis'), of('nginx'), of('http'), of('generic'), of(null, 'my-api'), of(null, '1st')]).toEqual(['DB', 'DB', 'REDIS', 'NGINX', 'HTTP', 'GENERIC', 'MY_API', '_1ST']);
    expect(prefixOf(use({ prefix: 'ORDERS' }))).toBe('ORDERS');
  });

  it('gives way to own env and own secrets, and asks for no password that nobody gets', () => {
    expect(variables([use()], { env: { DB_HOST: 'mine' } })).not.toHaveProperty('DB_HOST');
    const own = [{ key: 'DB_PASS', secretId: 'sec_o', version: 1, follows: true, as: 'env' }, { key: 'DB_USER', secretId: 'sec_o', version: 1, follows: true, as: 'file' }];
    expect(Object.keys(variables([use()], { secrets: own }))).toEqual(['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_NAME', 'DB_URL']);
    expect(passwordsNeeded(spec([use()], { secrets: own }) as never)).toEqual([password]);
    expect(passwordsNeeded(spec([use()], { env: { DB_PASS: '', DB_URL: '' } }))).toEqual([]);
  });
});

describe('dependencies of one container', () => {
  const flaws = (dependencies: DependencyUse[]) => dependencyViolations(dependencies).map(({ pointer, code }) => `${pointer} ${code}`);

  it('can’t have one prefix', () => {
    const other = use({ resourceId: 'res_b', target: target({ kind: 'mysql', hostname: 'other', dockerServiceId: null }) });
    expect(flaws([use(), other])).toEqual(['/dependencies/1/prefix duplicate']);
    expect(flaws([use(), { ...other, prefix: 'OTHER' }])).toEqual([]);
    for (const prefix of ['db', '1DB', '', 'A-B', 'X'.repeat(65)]) expect(flaws([use({ prefix })])).toEqual(['/dependencies/0/prefix invalid']);
  });

  it('can’t be called the same in two places', () => {
    expect(flaws([use(), use({ prefix: 'B', target: target({ dockerServiceId: 'svc_other' }) })])).toEqual(['/dependencies/1 duplicate']);
    expect(flaws([use(), use({ prefix: 'B' })])).toEqual([]);
  });

  it('are those resources, and the services behind them', () => {
    const direct = use({ resourceId: null, dockerServiceId: 'svc_api', target: target({ dockerServiceId: 'svc_api', kind: null }) });
    expect(usedBy({ dependencies: [use(), direct] })).toEqual(['res_a', 'svc_db', 'svc_api']);
  });

  it('are waited for where it is asked, and there is somebody to wait for', () => {
    expect(awaitedBy({ dependencies: [use(), use({ wait: 'healthy' })] })).toEqual([{ dockerServiceId: 'svc_db', name: 'main-db' }]);
    expect(waitsOf({ dependencies: [use({ wait: 'healthy', target: target({ dockerServiceId: null, address: '10.0.0.1' }) })] })).toEqual({});
  });

  it('are looked for in a network that both are in; where there is none, it joins the first of theirs', () => {
    const inBack = use({ target: target({ networks: [{ networkId: 'net_b', name: 'back' }, { networkId: 'net_c', name: 'other' }] }) });
    expect(networksToJoin({ dependencies: [use(), inBack] }, ['net_a'])).toEqual([{ networkId: 'net_b', name: 'back' }]);
    expect(networksToJoin({ dependencies: [inBack, inBack] }, ['net_c'])).toEqual([]);
    expect(networksToJoin({ dependencies: [use({ target: target({ dockerServiceId: null, networks: [] }) })] }, [])).toEqual([]);
    expect(joinedBy({ defaultNetwork: false, networks: [{ networkId: 'net_c', name: 'other', aliases: [] }], dependencies: [use()] }, 'net_a').map(({ networkId }) => networkId)).toEqual(['net_c', 'net_a']);
    expect(linksIn({ dependencies: [inBack] }, ['net_a', 'net_c', 'net_b'], 'net_c')).toEqual({ links: ['svc_db:main-db'] });
    expect(linksIn({ dependencies: [inBack] }, ['net_a', 'net_c', 'net_b'], 'net_b')).toEqual({});
    expect(linksIn({ dependencies: [use({ target: target({ kind: null }) })] }, ['net_a'], 'net_a')).toEqual({});
  });

  it('follow what they use; the version of a password follows by itself', () => {
    const before = { dependencies: [use()] };
    const now = { res_a: target({ version: 2, port: 5433, password: { ...password, version: 9 } }) };
    expect(Object.keys(targetsBehind(before, now))).toEqual(['res_a']);
    const after = withTargets(before, now);
    expect(after.dependencies[0]!.target).toEqual(target({ version: 2, port: 5433 }));
    expect(targetsBehind(after, now)).toEqual({});
    expect(targetsBehind(before, { res_a: target({ password: { ...password, version: 9 } }) })).toEqual({});
    expect(targetsBehind(before, {})).toEqual({});
  });
});

describe('waits', () => {
  const cycleOf = (from: string, edges: Record<string, string[]>) => waitCycle(from, new Map(Object.entries(edges)));

  it('that lead back are found, with the way', () => {
    expect(cycleOf('a', { a: ['b'], b: ['c', 'd'], c: [], d: ['a'] })).toEqual(['a', 'b', 'd', 'a']);
    expect(cycleOf('a', { a: ['a'] })).toEqual(['a', 'a']);
    expect(cycleOf('a', { a: ['b'], b: ['c'], c: ['b'] })).toBeNull();
    expect(cycleOf('a', {})).toBeNull();
  });

  it('are in a circle just when one can walk from a service back to it', () => {
    const edges = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.subarray(['a', 'b', 'c', 'd', 'e']));
    fc.assert(fc.property(edges, (given) => {
      const cycle = cycleOf('a', given);
      const reached = new Set<string>();
      for (let next = given['a'] ?? []; next.length > 0; next = next.flatMap((id) => (reached.has(id) ? [] : (reached.add(id), given[id] ?? [])))) ;
      expect(cycle !== null).toBe(reached.has('a'));
      cycle?.slice(1).forEach((id, index) => expect(given[cycle[index]!]).toContain(id));
    }));
  });
});
