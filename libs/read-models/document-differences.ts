/** One place where two documents differ. A value that isn't there at all is undefined. */
export interface Difference {
  /** JSON Pointer (RFC 6901) of the innermost member that differs; empty for the whole document. */
  readonly path: string;
  readonly live: unknown;
  readonly replayed: unknown;
}

/** Every place where two documents differ, in the order of the live one; none where they are the same to the byte. */
export function differencesBetween(live: unknown, replayed: unknown, path = ''): Difference[] {
  if (isObject(live) && isObject(replayed) && Array.isArray(live) === Array.isArray(replayed)) {
    const names = new Set([...Object.keys(live), ...Object.keys(replayed)]);
    return [...names].flatMap((name) => differencesBetween(own(live, name), own(replayed, name), `${path}/${escaped(name)}`));
  }
  return Object.is(live, replayed) ? [] : [{ path, live, replayed }];
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** Names that tenants chose may be those of what every object inherits. */
const own = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined);

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
