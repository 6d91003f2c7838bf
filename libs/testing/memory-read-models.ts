import { Rejection } from '#domain';
import { canonicalJson, type Document, type Op, type Page, type Query, type ReadModelStore, type Scalar, type ViewRef, type ViewSchema } from '#read-models';

interface Version {
  readonly storeId: string | null;
  checkpoint: string | null;
  /** Positions of removed documents stay. */
  readonly rows: Map<string, { readonly position: string; readonly doc: Document | null }>;
}

/** The read models' port in memory; what is put is copied by way of JSON, and what is given is frozen. */
export class MemoryReadModels implements ReadModelStore {
  readonly #versions = new Map<string, Version>();
  readonly #live = new Map<string, number>();
  #writes = 0;

  async prepare({ view, version }: ViewSchema, storeId?: string): Promise<void> {
    if (!this.#version(view, version)) this.#versions.set(keyOf(view, version), { storeId: storeId ?? null, checkpoint: null, rows: new Map() });
  }

  async storeOf({ view, version }: ViewRef): Promise<string | null> {
    return this.#version(view, version)?.storeId ?? null;
  }

  async checkpoint({ view, version }: ViewRef): Promise<string | null> {
    return this.#version(view, version)?.checkpoint ?? null;
  }

  async apply({ view, version }: ViewRef, expected: string | null, next: string, ops: readonly Op[]): Promise<'applied' | 'stale'> {
    const standing = this.#version(view, version);
    if (!standing || standing.checkpoint !== expected) return 'stale';
    this.#writes += 1;
    for (const op of ops) {
      const { id, position } = 'put' in op ? op.put : op.remove;
      const before = standing.rows.get(id);
      if (!before || before.position < position) standing.rows.set(id, { position, doc: 'put' in op ? frozen(JSON.parse(canonicalJson(op.put)) as Document) : null });
    }
    standing.checkpoint = next;
    return 'applied';
  }

  async get<T>(view: string, id: string, version?: number): Promise<T | null> {
    return (this.#version(view, version)?.rows.get(id)?.doc ?? null) as T | null;
  }

  async getMany<T>(view: string, ids: readonly string[], version?: number): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    for (const id of ids) {
      const doc = await this.get<T>(view, id, version);
      if (doc !== null) found.set(id, doc);
    }
    return found;
  }

  async find<T>(view: string, query: Query, version?: number): Promise<Page<T>> {
    const { field, descending = false } = query.sort ?? { field: 'id' };
    const sign = descending ? -1 : 1;
    const order = (a: Cursor, b: Cursor): number => sign * (compare(a.value, b.value) || compare(a.id, b.id));
    const placed = this.#documents(view, version)
      .filter((doc) => isAsked(doc, query))
      .map((doc) => ({ doc, at: { value: valueOf(doc, field), id: doc.id } }))
      .sort((a, b) => order(a.at, b.at));
    const after = query.after == null ? null : decode(query.after);
    const rest = after === null ? placed : placed.filter(({ at }) => order(at, after) > 0);
    const page = rest.slice(0, query.limit);
    return { items: page.map(({ doc }) => doc as T), next: rest.length > page.length ? encode(page.at(-1)!.at) : null };
  }

  async mark(): Promise<string> {
    return String(this.#writes);
  }

  async active(view: string): Promise<number | null> {
    return this.#live.get(view) ?? null;
  }

  async activate(view: string, version: number, { evenBehind = false } = {}): Promise<'activated' | 'behind'> {
    const chosen = this.#version(view, version);
    if (!chosen) throw new Error(`version ${version} of the view ${view} was never prepared`);
    const live = this.#version(view);
    if (live && !evenBehind && (live.checkpoint ?? '') > (chosen.checkpoint ?? '')) return 'behind';
    this.#writes += 1;
    this.#live.set(view, version);
    for (const key of this.#versions.keys()) if (key.startsWith(`${view}|`) && key !== keyOf(view, version)) this.#versions.delete(key);
    return 'activated';
  }

  async drop({ view, version }: ViewRef): Promise<void> {
    if (this.#live.get(view) === version) throw new Error(`version ${version} of the view ${view} is live`);
    this.#versions.delete(keyOf(view, version));
  }

  async close(): Promise<void> {}

  #version(view: string, version = this.#live.get(view)): Version | undefined {
    return version === undefined ? undefined : this.#versions.get(keyOf(view, version));
  }

  #documents(view: string, version: number | undefined): Document[] {
    return [...(this.#version(view, version)?.rows.values() ?? [])].map(({ doc }) => doc).filter((doc) => doc !== null);
  }
}

interface Cursor {
  readonly value: Scalar;
  readonly id: string;
}

const keyOf = (view: string, version: number): string => `${view}|${version}`;

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

const valueOf = (doc: Document, field: string): Scalar => ((doc as unknown as Record<string, Scalar | undefined>)[field] ?? null) as Scalar;

function isAsked(doc: Document, { eq = {}, in: among = {}, range }: Query): boolean {
  if (!Object.entries(eq).every(([field, value]) => valueOf(doc, field) === value)) return false;
  if (!Object.entries(among).every(([field, values]) => values.includes(valueOf(doc, field)))) return false;
  if (!range) return true;
  const value = valueOf(doc, range.field);
  if (value === null) return false;
  return holds(range.gt, (bound) => compare(value, bound) > 0) && holds(range.gte, (bound) => compare(value, bound) >= 0) && holds(range.lt, (bound) => compare(value, bound) < 0) && holds(range.lte, (bound) => compare(value, bound) <= 0);
}

const holds = (bound: Scalar | undefined, test: (bound: Scalar) => boolean): boolean => bound === undefined || bound === null || test(bound);

/** Null is below everything. */
function compare(a: Scalar, b: Scalar): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

const encode = ({ value, id }: Cursor): string => Buffer.from(JSON.stringify([value, id])).toString('base64url');

function decode(text: string): Cursor {
  try {
    const [value, id, ...more] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [Scalar, string];
    const isScalar = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (typeof id === 'string' && isScalar && more.length === 0) return { value, id };
  } catch {
    // Refused below.
  }
  throw new Rejection('invalid', 'cursor.invalid', 'send the next_cursor of an earlier page of the same list, as it was given');
}
