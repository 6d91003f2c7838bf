import type { Filter, IndexDescription, Sort } from 'mongodb';
import type { Cursor } from './cursor.ts';
import { checkedName } from './field-name.ts';
import type { Stored } from './mongodb-document.ts';
import type { Query, Scalar } from './port.ts';

type Condition = Filter<Stored>;

/** What a query narrows a collection down to, from its cursor on. */
export function filterFor(query: Query, after: Cursor | null): Condition {
  const conditions: Condition[] = [{ gone: { $exists: false } }];
  for (const [field, value] of Object.entries(query.eq ?? {})) conditions.push(among(field, [value]));
  for (const [field, values] of Object.entries(query.in ?? {})) conditions.push(among(field, values));
  if (query.range) conditions.push(within(query.range));
  if (after) conditions.push(beyond(query.sort, after));
  return { $and: conditions };
}

/** Null is below everything; the id breaks ties in the same direction. */
export function orderOf(sort: Query['sort']): Sort {
  const direction = sort?.descending ? -1 : 1;
  const field = pathOf(sort?.field ?? 'id');
  return field === 'id' ? { id: direction } : { [field]: direction, id: direction };
}

/** The indexes that make look-ups by the fields of a view's file, and paging through what they find, cheap. */
export function indexesFor(indexes: readonly (readonly string[])[]): IndexDescription[] {
  const listed = [['id'], ...indexes.map((fields) => (fields.includes('id') ? fields : [...fields, 'id']))];
  return listed.map((fields) => ({ name: fields.join('__'), key: Object.fromEntries(fields.map((field) => [pathOf(field), 1])) }));
}

const pathOf = (field: string): string => (field === 'id' || field === 'position' ? field : `fields.${checkedName(field)}`);

/** Null stands for a field that isn't there, too. */
const among = (field: string, values: readonly Scalar[]): Condition => ({ [pathOf(field)]: { $in: [...values] } });

const beside = (path: string): Condition => ({ [path]: { $nin: [null] } });

function within({ field, gt, gte, lt, lte }: NonNullable<Query['range']>): Condition {
  const bounds = Object.entries({ $gt: gt, $gte: gte, $lt: lt, $lte: lte }).filter(([, value]) => value !== undefined);
  // Nothing lies above or below null.
  if (bounds.some(([, value]) => value === null)) return { [pathOf(field)]: { $in: [] } };
  return { [pathOf(field)]: Object.fromEntries(bounds) };
}

/** Past the cursor, in the order of the list. */
function beyond(sort: Query['sort'], { value, id }: Cursor): Condition {
  const path = pathOf(sort?.field ?? 'id');
  const than = sort?.descending ? '$lt' : '$gt';
  const sameValue: Condition = { $and: [{ [path]: { $in: [value] } }, { id: { [than]: id } }] };
  if (path === 'id') return { id: { [than]: id } };
  if (value === null) return sort?.descending ? sameValue : { $or: [sameValue, beside(path)] };
  const past: Condition[] = [{ [path]: { [than]: value } }, sameValue];
  return { $or: sort?.descending ? [...past, { [path]: { $in: [null] } }] : past };
}
