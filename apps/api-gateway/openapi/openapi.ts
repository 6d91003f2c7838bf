import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { OPEN_OPERATIONS, PUBLIC_ROUTES } from '../edge/gate.ts';
import { answerSchemas, pageSchemas, ref } from './schemas.ts';
import { summaries } from './summaries.ts';

interface Operation {
  operationId?: string;
  summary?: string;
  parameters?: object[];
  responses: Record<string, object>;
  security?: object[];
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const CHANGING: ReadonlySet<string> = new Set(['post', 'put', 'patch', 'delete']);

/** Serves the description of every route at `/openapi.json`, made once when it is first asked for. */
export function serveOpenApi(app: NestFastifyApplication): void {
  let document: OpenAPIObject | null = null;
  app.getHttpAdapter().getInstance().get('/openapi.json', (_, reply) => {
    document ??= describe(app);
    reply.send(document);
  });
}

/** OpenAPI 3.1: the routes as Nest knows them, with what holds for all of them said once. */
export function describe(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Waybill')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'token')
    .addSecurityRequirements('token')
    .build();
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}` });
  document.components = { ...document.components, schemas: { ...document.components?.schemas, ...(answerSchemas as object), ...(pageSchemas as object) } };
  for (const [path, item] of Object.entries(document.paths)) {
    if (PUBLIC_ROUTES.has(path)) continue;
    for (const verb of VERBS) {
      const operation = item[verb] as Operation | undefined;
      if (!operation) continue;
      operation.summary = summaries[`${verb} ${path}`] ?? '';
      const isOpen = OPEN_OPERATIONS.has(`${verb.toUpperCase()} ${path}`);
      if (isOpen) operation.security = [];
      complete(operation, CHANGING.has(verb) && !isOpen);
    }
  }
  return document;
}

const problemContent = { 'application/problem+json': { schema: ref('Problem') } };
const stamps = {
  ETag: { description: 'The revision that stands now; send it back as If-Match.', schema: { type: 'string' } },
  'Waybill-Position': { description: 'Where the change stands in the log; wait for it with min_position.', schema: { type: 'string' } },
};
const header = (name: string, description: string) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } });

/** What every operation takes and answers, beside its own. */
function complete(operation: Operation, changes: boolean): void {
  operation.responses['default'] = { description: 'Anything else is a problem (RFC 9457); `code` is stable.', content: problemContent };
  if (!changes) return;
  operation.parameters = [
    ...(operation.parameters ?? []),
    header('Idempotency-Key', 'Names the request: sent again with the same body it is answered by what it did; with another body it is refused.'),
    header('If-Match', 'The ETag of an earlier answer: the change is made at that revision only, else 412. What makes a new thing takes none.'),
  ];
  for (const [status, response] of Object.entries(operation.responses)) if (/^2/.test(status)) Object.assign(response, { headers: stamps });
}
