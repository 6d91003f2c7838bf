import type { ContainerSpec } from '../docker-service/events.ts';
import type { DependencyPassword, DependencyTarget, DependencyUse } from './dependency.ts';
import type { ResourceKind } from './events.ts';

/** A variable that a container has from a dependency; `value` null: it holds a password, and isn't anybody's to see. */
export interface InjectedVariable {
  readonly name: string;
  readonly value: string | null;
}

/** Gives a password where it may be known; null where it isn't to be. */
export type Passwords = (password: DependencyPassword) => string | null;

const UNKNOWN: Passwords = () => null;

const PREFIXES: Readonly<Record<ResourceKind, string>> = { postgres: 'DB', mysql: 'DB', redis: 'REDIS', nginx: 'NGINX', http: 'HTTP', generic: 'GENERIC' };
const SCHEMES: Readonly<Record<ResourceKind, string>> = { postgres: 'postgres', mysql: 'mysql', redis: 'redis', nginx: 'http', http: 'http', generic: 'tcp' };

/** What the names of a dependency's variables begin with: what is given; else by its kind, and a service's own name in capitals. Null: it isn't known what it is. */
export function prefixOf({ prefix, target }: Pick<DependencyUse, 'prefix' | 'target'>): string | null {
  if (prefix !== null || !target) return prefix;
  if (target.kind !== null) return PREFIXES[target.kind];
  return target.name.toUpperCase().replaceAll('-', '_').replace(/^(?=\d)/, '_');
}

/** All that dependencies put into a container's environment. Its own env and its own secrets win over a name: that is then left out. */
export function injectedInto({ dependencies = [], env, secrets = [] }: Pick<ContainerSpec, 'dependencies' | 'env' | 'secrets'>, passwords: Passwords = UNKNOWN): readonly InjectedVariable[] {
  const own = new Set([...Object.keys(env), ...secrets.flatMap(({ key, as }) => (as === 'env' ? [key] : []))]);
  return dependencies.flatMap((use) => variablesOf(use, passwords)).filter(({ name }) => !own.has(name));
}

/** The passwords that are needed to say all of it. */
export const passwordsNeeded = (spec: Pick<ContainerSpec, 'dependencies' | 'env' | 'secrets'>): readonly DependencyPassword[] =>
  (spec.dependencies ?? []).flatMap((use) => (use.target?.password && injectedInto({ ...spec, dependencies: [use] }).some(({ value }) => value === null) ? [use.target.password] : []));

function variablesOf(use: DependencyUse, passwords: Passwords): readonly InjectedVariable[] {
  const { target } = use;
  const prefix = prefixOf(use);
  if (!target || prefix === null) return [];
  const { hostname, port, user, database, password } = target;
  const secret = password && passwords(password);
  const given = (part: string, value: string | null): readonly InjectedVariable[] => (value === null ? [] : [{ name: `${prefix}_${part}`, value }]);
  return [
    ...given('HOST', hostname),
    ...given('PORT', String(port)),
    ...given('USER', user),
    ...(password ? [{ name: `${prefix}_PASS`, value: secret }] : []),
    ...given('NAME', database),
    { name: `${prefix}_URL`, value: password && secret === null ? null : urlOf(target, secret) },
  ];
}

/** RFC 3986: what isn't allowed in a part is written as %XX there. */
function urlOf({ kind, hostname, port, user, database }: DependencyTarget, password: string | null): string {
  const userinfo = user === null && password === null ? '' : `${encoded(user ?? '')}${password === null ? '' : `:${encoded(password)}`}@`;
  return `${SCHEMES[kind ?? 'generic']}://${userinfo}${hostname}:${port}${database === null ? '' : `/${encoded(database)}`}`;
}

const encoded = (text: string): string => encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
