import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApplicationModule } from '#application';
import { problem } from '#platform';
import { MembersController } from './access/members.controller.ts';
import { OriginsController } from './access/origins.controller.ts';
import { RequestLimits } from './access/request-limits.ts';
import { SessionsController } from './access/sessions.controller.ts';
import { TokensController } from './access/tokens.controller.ts';
import { UsersController } from './access/users.controller.ts';
import { AuditController } from './audit/audit.controller.ts';
import { EventsController } from './audit/events.controller.ts';
import { DeploymentsController } from './deployments/deployments.controller.ts';
import { ChangeController } from './docker-services/change.controller.ts';
import { DockerServicesController } from './docker-services/docker-services.controller.ts';
import { ExplainController } from './explain/explain.controller.ts';
import { GivenController } from './docker-services/given.controller.ts';
import { LifecycleController } from './docker-services/lifecycle.controller.ts';
import { ReleasesController } from './docker-services/releases.controller.ts';
import { ReplicasController } from './docker-services/replicas.controller.ts';
import { ScaleController } from './docker-services/scale.controller.ts';
import { ServiceEventsController } from './docker-services/service-events.controller.ts';
import { ServiceLogsController } from './docker-services/service-logs.controller.ts';
import { ServiceMetricsController } from './docker-services/service-metrics.controller.ts';
import { authenticate, RoleGuard } from './edge/gate.ts';
import { mutationHook } from './edge/mutation.ts';
import { refuseUndeclared } from './edge/refuse-undeclared.ts';
import { InvalidRequest } from './edge/invalid-request.ts';
import { ProblemFilter, sendProblem } from './edge/problem.filter.ts';
import { QueryGuard } from './edge/query.guard.ts';
import { validateAsked } from './edge/validate-asked.ts';
import { EnvironmentsController } from './environments/environments.controller.ts';
import { Gateway, type GatewayParts } from './gateway.ts';
import { HealthController } from './health.controller.ts';
import { JobOutputController } from './jobs/job-output.controller.ts';
import { JobsController } from './jobs/jobs.controller.ts';
import { MetricsController } from './metrics/metrics.controller.ts';
import { NodesController } from './nodes/nodes.controller.ts';
import { serveOpenApi } from './openapi/openapi.ts';
import { PlansController } from './plans/plans.controller.ts';
import { PreviewController } from './preview/preview.controller.ts';
import { QuotasController } from './quotas/quotas.controller.ts';
import { ProjectionsController } from './projections/projections.controller.ts';
import { ProjectsController } from './projects/projects.controller.ts';
import { ResourcesController } from './resources/resources.controller.ts';
import { SchedulesController } from './schedules/schedules.controller.ts';
import { NetworksController } from './networks/networks.controller.ts';
import { VolumesController } from './volumes/volumes.controller.ts';
import { ConfigsController } from './values/configs.controller.ts';
import { SecretsController } from './values/secrets.controller.ts';

const BODY_LIMIT = 1024 * 1024;

/** Every route there is. */
const CONTROLLERS: readonly Type[] = [
  HealthController,
  ProjectsController,
  EnvironmentsController,
  PlansController,
  QuotasController,
  DockerServicesController,
  ChangeController,
  GivenController,
  ScaleController,
  LifecycleController,
  ReleasesController,
  ReplicasController,
  ServiceEventsController,
  ServiceLogsController,
  ServiceMetricsController,
  ExplainController,
  PreviewController,
  DeploymentsController,
  JobsController,
  JobOutputController,
  SchedulesController,
  VolumesController,
  NetworksController,
  SecretsController,
  ConfigsController,
  ResourcesController,
  NodesController,
  AuditController,
  EventsController,
  ProjectionsController,
  MetricsController,
  MembersController,
  TokensController,
  UsersController,
  SessionsController,
  OriginsController,
];

@Module({})
class GatewayModule {
  static of(parts: GatewayParts, gateway: Gateway): DynamicModule {
    return {
      module: GatewayModule,
      imports: [ApplicationModule.forRoot(parts.aggregates)],
      controllers: [...CONTROLLERS],
      providers: [
        { provide: Gateway, useValue: gateway },
        { provide: APP_GUARD, useClass: RoleGuard },
        { provide: APP_GUARD, useClass: QueryGuard },
        { provide: APP_FILTER, useValue: new ProblemFilter(parts.logger) },
      ],
    };
  }
}

/** The whole REST side over its parts, initialised and not listening yet. */
export async function createGateway(parts: GatewayParts): Promise<NestFastifyApplication> {
  refuseUndeclared(CONTROLLERS);
  validateAsked(CONTROLLERS);
  const gateway = new Gateway(parts);
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT, trustProxy: parts.trustedProxies.length > 0 ? [...parts.trustedProxies] : false, forceCloseConnections: true, frameworkErrors: refuseUnreadable, skipMiddie: true });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.of(parts, gateway), adapter, { logger: false, bodyParser: false });
  const fastify = adapter.getInstance();
  takeJsonOnly(fastify);
  fastify.decorateRequest('tenant', null);
  fastify.decorateRequest('mutation', null);
  fastify.decorateRequest('stillStands', null);
  fastify.addHook('onRequest', (_, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
  fastify.addHook('onRequest', authenticate(gateway.principals, new RequestLimits(parts.clock, parts.rates)));
  fastify.addHook('preHandler', mutationHook(parts.clock, gateway.origins));
  serveOpenApi(app);
  await app.init();
  await fastify.ready();
  return app;
}

/** A path that can't be decoded has no route, so neither hooks nor the filter see it. */
function refuseUnreadable({ message, statusCode = 400 }: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS);
  sendProblem(reply, problem(statusCode, 'request.refused', message));
}

/** No form, no text. An empty body is none: clients send the header with every POST. null is no object, though, and is told from none only here. */
function takeJsonOnly(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null);
    parse(request, body as string, (error, value) => (value === null ? done(new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }])) : done(error, value)));
  });
}

/** No answer is a page, and none is to be kept by anybody. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
