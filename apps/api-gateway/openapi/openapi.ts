import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { POSITION } from '#event-store';
import { OPEN_OPERATIONS, PUBLIC_ROUTES } from '../edge/gate.ts';
import { asTaken, closed, patchOf } from './request-schemas.ts';
import type { Schema } from './schema-words.ts';
import { answerSchemas, pageSchemas, ref } from './schemas.ts';
import { summaries } from './summaries.ts';

type Schemas = Record<string, Schema>;

interface Response {
  readonly description?: string;
  headers?: object;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  operationId?: string;
  summary?: string;
  parameters?: object[];
  requestBody?: { required?: boolean; readonly content: Readonly<Record<string, { schema: Schema }>> };
  readonly responses: Record<string, Response>;
  security?: object[];
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const CHANGING: ReadonlySet<string> = new Set(['post', 'put', 'patch', 'delete']);
/** What leaves nothing in the log can't be repeated, or be made at a revision. */
const UNRECORDED: ReadonlySet<string> = new Set(['post /v1/sessions', 'post /v1/docker-services/preview', 'post /v1/projections/{name}/rebuild', 'delete /v1/origins/{origin_id}']);
/** Answers that are of a revision, and say it in their ETag alone. */
const REVISED: ReadonlySet<string> = new Set(['post /v1/docker-services/{docker_service_id}/preview', 'get /v1/projects/{project_id}/quota', 'get /v1/docker-services/{docker_service_id}/quota']);
/** Stands in place of what was, field by field: a PATCH, but no merge. */
const REPLACES: ReadonlySet<string> = new Set(['patch /v1/schedules/{schedule_id}']);

/** Serves the description of every route at `/openapi.json`, made once when it is first asked for. */
export function serveOpenApi(app: NestFastifyApplication): void {
  let document: OpenAPIObject | null = null;
  app.getHttpAdapter().getInstance().get('/openapi.json', (_, reply) => {
    document ??= describe(app);
    reply.send(document);
  });
}

const DESCRIPTION =
  'Of application/x-ndjson and text/event-stream, the schema is that of each line and of each event. `contentSchema` is what the JSON in `data` is.';

/** OpenAPI 3.1: the routes as Nest knows them, with what holds for all of them said once. */
export function describe(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Waybill')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'token')
    .addSecurityRequirements('token')
    .build();
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}` });
  const { Object: _, ...dtos } = document.components?.schemas as Schemas;
  const taken = Object.fromEntries(Object.entries(dtos).map(([name, schema]) => [name, asTaken(schema)]));
  const schemas: Schemas = { ...taken, ...answerSchemas, ...pageSchemas };
  document.components = { ...document.components, schemas: schemas as Record<string, object> };
  for (const [path, item] of Object.entries(document.paths)) {
    if (PUBLIC_ROUTES.has(path)) continue;
    for (const verb of VERBS) {
      const operation = item[verb] as Operation | undefined;
      if (!operation) continue;
      const name = `${verb} ${path}`;
      operation.summary = summaries[name] ?? '';
      if (OPEN_OPERATIONS.has(`${verb.toUpperCase()} ${path}`)) operation.security = [];
      operation.responses['default'] = { description: 'Anything else is a problem (RFC 9457); `code` is stable.', content: problemContent };
      operation.parameters = operation.parameters?.map(untyped);
      describeBody(operation, schemas, verb === 'patch' && !REPLACES.has(name));
      describeHeaders(operation, schemas, name);
    }
  }
  return document;
}

const problemContent = { 'application/problem+json': { schema: ref('Problem') } };
const etag = { ETag: { description: 'The revision that stands now; send it back as If-Match.', required: true, schema: { type: 'string', pattern: '^"[0-9]+"$' } } };
const position = { 'Waybill-Position': { description: 'Where the change stands in the log; wait for it with min_position.', required: true, schema: { type: 'string', pattern: POSITION.source } } };
const header = (name: string, pattern: string, description: string) => ({ name, in: 'header', required: false, description, schema: { type: 'string', pattern } });
const KEY = header('Idempotency-Key', '^[\\x21-\\x7e]{1,255}$', 'Names the request: sent again with the same body it is answered by what it did; with another body it is refused.');
const IF_MATCH = header('If-Match', '^("?[0-9]{1,18}"?|\\*)$', 'The ETag of an earlier answer: the change is made at that revision only, else 412. What makes a new thing takes none.');

/** Decorators know of a body only its shape. One in which nothing is needed may be left out. */
function describeBody({ requestBody }: Operation, schemas: Schemas, isMerged: boolean): void {
  if (!requestBody) return;
  for (const media of Object.values(requestBody.content)) {
    const name = nameOf(media.schema);
    const whole = name === null ? closed(media.schema) : schemas[name]!;
    const schema = isMerged ? patchOf(whole, schemas) : whole;
    if (name === null) media.schema = schema;
    else schemas[name] = schema;
    requestBody.required = ((schema['required'] ?? []) as unknown[]).length > 0 || !schema['properties'];
  }
}

/** Every change takes and answers these, and whatever has a revision says it. */
function describeHeaders(operation: Operation, schemas: Schemas, name: string): void {
  const isRecorded = CHANGING.has(name.split(' ')[0]!) && !UNRECORDED.has(name) && !REVISED.has(name);
  if (isRecorded) operation.parameters = [...(operation.parameters ?? []), KEY, IF_MATCH];
  else if (REVISED.has(name) && CHANGING.has(name.split(' ')[0]!)) operation.parameters = [...(operation.parameters ?? []), IF_MATCH];
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!/^2/.test(status)) continue;
    if (isRecorded) response.headers = { ...etag, ...position };
    else if (REVISED.has(name) || isRevised(response, schemas, name)) response.headers = etag;
  }
}

/** One thing that has a revision, read by itself. */
function isRevised({ content }: Response, schemas: Schemas, name: string): boolean {
  const shown = nameOf(content?.['application/json']?.schema);
  return name.startsWith('get ') && shown !== null && 'revision' in ((schemas[shown]?.['properties'] ?? {}) as object);
}

/** What a `$ref` leads to. */
const nameOf = (schema: Schema | undefined): string | null => (typeof schema?.['$ref'] === 'string' ? schema['$ref'].split('/').at(-1)! : null);

/** Of a parameter that may be one of several types, Nest knows the type `Object`: that it must be one, beside what its decorator says. */
function untyped(parameter: { schema?: { allOf?: readonly Schema[] } }): object {
  if (nameOf(parameter.schema?.allOf?.[0]) === 'Object') delete parameter.schema!.allOf;
  return parameter;
}
