import type { Schema } from './schema-words.ts';

type Schemas = Readonly<Record<string, Schema>>;
type Map = (schema: Schema) => Schema;

const COMPONENTS = '#/components/schemas/';
const NULL: Schema = { type: 'null' };

/** What a body may be, as the gateway takes it: no field that isn't named, and null for one that may be left out as if it were. Where a shape of
 *  its own judges what is inside a field, null is no value there.
 *  @param schema of a DTO as its decorators describe it. */
export function asTaken(schema: Schema): Schema {
  const needed = new Set((schema['required'] ?? []) as string[]);
  const taken = closed(schema);
  const properties = Object.entries((taken['properties'] ?? {}) as Schemas).map(([name, property]) => [name, needed.has(name) ? property : orNull(property)]);
  return { ...taken, properties: Object.fromEntries(properties) };
}

/** The same of what stands in a body without a DTO: names are kept, values are judged as they are. */
export function closed(schema: Schema): Schema {
  const inner = mapped(schema, closed);
  return inner['properties'] && inner['additionalProperties'] === undefined ? { ...inner, additionalProperties: false } : inner;
}

/** A merge patch (RFC 7396) of what `schema` describes: nothing is needed, null takes away, and objects are merged; lists stand as a whole.
 *  @param schemas what a `$ref` leads to. */
export function patchOf(schema: Schema, schemas: Schemas): Schema {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return patchOf(schemas[reference.slice(COMPONENTS.length)]!, schemas);
  if (schema['items']) return schema;
  const { required: _, ...rest } = mapped(schema, (inner) => patchOf(inner, schemas));
  return { ...rest, ...(rest['properties'] ? { properties: eachOf(rest['properties'] as Schemas, orNull) } : {}), ...(isSchema(rest['additionalProperties']) ? { additionalProperties: orNull(rest['additionalProperties']) } : {}) };
}

/** The schema with all that stands directly inside it changed. */
function mapped(schema: Schema, change: Map): Schema {
  const { properties, items, additionalProperties, ...rest } = schema;
  const choices = (['anyOf', 'oneOf', 'allOf'] as const).flatMap((word) => (Array.isArray(schema[word]) ? [[word, (schema[word] as Schema[]).map(change)] as const] : []));
  return {
    ...rest,
    ...Object.fromEntries(choices),
    ...(properties ? { properties: eachOf(properties as Schemas, change) } : {}),
    ...(items ? { items: change(items as Schema) } : {}),
    ...(additionalProperties === undefined ? {} : { additionalProperties: isSchema(additionalProperties) ? change(additionalProperties) : additionalProperties }),
  };
}

const eachOf = (schemas: Schemas, change: Map): Schemas => Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, change(schema)]));
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;

/** Or null; what describes it stays outside. */
function orNull(schema: Schema): Schema {
  const { description, default: standing, example, ...judged } = schema;
  const told = Object.fromEntries(Object.entries({ description, default: standing, example }).filter(([, value]) => value !== undefined));
  if (Object.keys(judged).length === 0 || takesNull(judged)) return schema;
  if (typeof judged['type'] === 'string' && !judged['enum']) return { ...schema, type: [judged['type'], 'null'] };
  const choices = Object.keys(judged).length === 1 && Array.isArray(judged['anyOf']) ? (judged['anyOf'] as Schema[]) : [judged];
  return { ...told, anyOf: [...choices, NULL] };
}

const takesNull = ({ type, anyOf }: Schema): boolean =>
  type === 'null' || (Array.isArray(type) && type.includes('null')) || (Array.isArray(anyOf) && (anyOf as Schema[]).some(takesNull));
