import { decodeCursor, type Cursor } from './cursor.ts';
import { checkedName } from './field-name.ts';
import type { Query, Scalar } from './port.ts';
import type { Bound } from './sqlite-batch.ts';

/** A statement that gives `id`, `doc` and `sort_value` of one more document than asked for: so it is known whether more follow. */
export interface Select {
  readonly sql: string;
  readonly params: readonly Bound[];
}

/** Where the documents of one version are, and which of their fields have a column beside them. */
export interface Table {
  readonly name: string;
  readonly columns: ReadonlySet<string>;
}

/** The documents of `table` that a query asks for, from its cursor on. @throws Rejection `cursor.invalid`. */
export function selectFor(table: Table, query: Query): Select {
  const column = columnsOf(table);
  const conditions: Condition[] = [['doc IS NOT NULL', []]];
  for (const [field, value] of Object.entries(query.eq ?? {})) conditions.push(equals(column(field), value));
  for (const [field, values] of Object.entries(query.in ?? {})) conditions.push(among(column(field), values));
  if (query.range) conditions.push(...within(column(query.range.field), query.range));
  if (query.after) conditions.push(beyond(column(query.sort?.field ?? 'id'), query.sort, decodeCursor(query.after)));
  const where = conditions.map(([sql]) => sql).join(' AND ');
  const direction = query.sort?.descending ? 'DESC' : 'ASC';
  const sort = column(query.sort?.field ?? 'id');
  const order = sort === 'id' ? `id ${direction}` : `${sort} ${direction}, id ${direction}`;
  const params = conditions.flatMap(([, values]) => values);
  return { sql: `SELECT id, doc, ${sort} AS sort_value FROM ${table.name} WHERE ${where} ORDER BY ${order} LIMIT ?`, params: [...params, query.limit + 1] };
}

/** The index that makes a look-up by these fields, and paging through what it finds, cheap. */
export function indexFor(table: Table, fields: readonly string[]): string {
  const columns = fields.includes('id') ? fields : [...fields, 'id'];
  return `CREATE INDEX IF NOT EXISTS ${table.name}__${fields.join('__')} ON ${table.name} (${columns.map(columnsOf(table)).join(', ')}) WHERE doc IS NOT NULL`;
}

/** The definition of a column that SQLite itself keeps to what the document says: it is taken out once, however many indexes it is in.
 *  None for what is a column anyway. */
export const columnFor = (field: string): string[] => (isOwn(field) ? [] : [`${named(field)} ANY GENERATED ALWAYS AS (${inDocument(field)}) STORED`]);

type Condition = readonly [sql: string, params: readonly Bound[]];

const columnsOf =
  ({ columns }: Table) =>
  (field: string): string => {
    if (isOwn(field)) return field;
    return columns.has(named(field)) ? named(field) : inDocument(field);
  };

const isOwn = (field: string): boolean => field === 'id' || field === 'position';

/** No word of SQL begins so. */
const named = (field: string): string => `its_${checkedName(field)}`;

const inDocument = (field: string): string => `json_extract(doc, '$.${checkedName(field)}')`;

const bound = (value: Scalar): Bound => (typeof value === 'boolean' ? Number(value) : value);

const equals = (of: string, value: Scalar): Condition => (value === null ? [`${of} IS NULL`, []] : [`${of} = ?`, [bound(value)]]);

function among(of: string, values: readonly Scalar[]): Condition {
  const named = values.filter((value) => value !== null).map(bound);
  const sql = named.length > 0 ? `${of} IN (${named.map(() => '?').join(', ')})` : '0';
  return [values.includes(null) ? `(${sql} OR ${of} IS NULL)` : sql, named];
}

function within(of: string, range: NonNullable<Query['range']>): Condition[] {
  const bounds = [['>', range.gt], ['>=', range.gte], ['<', range.lt], ['<=', range.lte]] as const;
  return bounds.flatMap(([operator, value]): Condition[] => (value === undefined ? [] : [[`${of} ${operator} ?`, [bound(value)]]]));
}

/** Past the cursor, in the order of the list. The bound on the sort value alone comes first: an index can seek to it. */
function beyond(of: string, sort: Query['sort'], { value, id }: Cursor): Condition {
  const than = sort?.descending ? '<' : '>';
  if (of === 'id') return [`id ${than} ?`, [id]];
  if (value !== null) {
    const past: Condition = [`(${of} ${than}= ? AND (${of} ${than} ? OR id ${than} ?))`, [bound(value), bound(value), id]];
    return sort?.descending ? [`(${past[0]} OR ${of} IS NULL)`, past[1]] : past;
  }
  const same = `(${of} IS NULL AND id ${than} ?)`;
  return [sort?.descending ? same : `(${same} OR ${of} IS NOT NULL)`, [id]];
}
