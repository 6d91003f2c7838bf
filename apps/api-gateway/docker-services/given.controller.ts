import { Body, Controller, Get, Param, Patch, Put, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher } from '#application';
import type { TenantContext } from '#contracts';
import { getService, injectedVariables, type ServiceAnswer } from '#read-models';
import { CONFIGS_SCHEMA, SECRETS_SCHEMA } from '../compute/values.dto.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { ApplyDto } from '../values/held-value.dto.ts';
import { changeService, type AskedChange } from './change-service.ts';
import { dockerServiceNotFound } from './reach.ts';
import { patchedBody } from './standing-body.ts';

const ENV_SCHEMA = { type: 'object', additionalProperties: { type: 'string' }, example: { PORT: '3000' } };
const CHANGED = 'A release was cut; `deployment_id` moves the service to it.';
const NOTHING_ROLLS = 'So already, or waiting for the next deployment.';

/** What containers of a service are given, part by part. Each change is one of the service: pointers in errors are those of the service's body. */
@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id')
export class GivenController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Every name, and where it comes from; values of plain ones only. */
  @Get('env')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Env') })
  async env(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position }: ReadOneDto): Promise<object> {
    const service = await this.#service(tenant, id, min_position, at);
    const { env, secrets } = service;
    const own = Object.entries(env).map(([name, value]) => ({ name, source: 'own', value }));
    const secret = Object.entries(secrets).flatMap(([name, { as }]) => (as === 'env' ? [{ name, source: 'secret', value: null }] : []));
    const dependency = injectedVariables(service).map((variable) => ({ ...variable, source: 'dependency' }));
    return { items: [...own, ...secret, ...dependency].sort((a, b) => (a.name < b.name ? -1 : 1)) };
  }

  @Put('env')
  @Needs('developer')
  @ApiBody({ schema: ENV_SCHEMA })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: CHANGED })
  @ApiOkResponse({ schema: ref('DockerService'), description: NOTHING_ROLLS })
  putEnv(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#replace({ tenant, change, id, apply, reply }, 'env', body);
  }

  @Patch('env')
  @Needs('developer')
  @ApiBody({ schema: { ...ENV_SCHEMA, additionalProperties: { type: 'string', nullable: true } } })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: CHANGED })
  @ApiOkResponse({ schema: ref('DockerService'), description: NOTHING_ROLLS })
  patchEnv(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#merge({ tenant, change, id, apply, reply }, 'env', body);
  }

  @Get('secrets')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('GivenSecrets') })
  async secrets(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position }: ReadOneDto): Promise<object> {
    return (await this.#service(tenant, id, min_position, at)).secrets;
  }

  @Put('secrets')
  @Needs('developer')
  @ApiBody({ schema: SECRETS_SCHEMA })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: CHANGED })
  @ApiOkResponse({ schema: ref('DockerService'), description: NOTHING_ROLLS })
  putSecrets(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#replace({ tenant, change, id, apply, reply }, 'secrets', body);
  }

  @Patch('secrets')
  @Needs('developer')
  @ApiBody({ schema: SECRETS_SCHEMA })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: CHANGED })
  @ApiOkResponse({ schema: ref('DockerService'), description: NOTHING_ROLLS })
  patchSecrets(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#merge({ tenant, change, id, apply, reply }, 'secrets', body);
  }

  @Get('configs')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('GivenConfigs') })
  async configs(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position }: ReadOneDto): Promise<object> {
    return { items: (await this.#service(tenant, id, min_position, at)).configs };
  }

  @Put('configs')
  @Needs('developer')
  @ApiBody({ schema: { type: 'object', required: ['items'], properties: { items: { type: 'array', items: CONFIGS_SCHEMA } } } })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: CHANGED })
  @ApiOkResponse({ schema: ref('DockerService'), description: NOTHING_ROLLS })
  putConfigs(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { items } = asObject(body);
    if (!Array.isArray(items)) throw new InvalidRequest([{ pointer: '/items', code: items === undefined ? 'required' : 'type', detail: 'must be the list of all files' }]);
    return changeService(this.#parts, { tenant, change, id, apply, reply }, () => ({ configs: items }));
  }

  /** What isn't named goes. */
  #replace(asked: AskedChange, field: 'env' | 'secrets', body: object): Promise<object> {
    const given = asObject(body);
    return changeService(this.#parts, asked, (service) => {
      const standing = patchedBody(service, {})[field];
      const gone = Object.fromEntries(Object.entries(isObject(standing) ? standing : {}).map(([name]) => [name, null]));
      // A merge would keep what the one before had said of the same name.
      const whole = Object.entries(given).map(([name, use]) => [name, isObject(use) ? { version: null, as: null, ...use } : use]);
      return { [field]: { ...gone, ...Object.fromEntries(whole) } };
    });
  }

  #merge(asked: AskedChange, field: 'env' | 'secrets', body: object): Promise<object> {
    const given = asObject(body);
    return changeService(this.#parts, asked, () => ({ [field]: given }));
  }

  get #parts() {
    return { gateway: this.gateway, dispatcher: this.dispatcher };
  }

  #service(tenant: TenantContext, id: string, minPosition?: string, at?: string): Promise<ServiceAnswer> {
    if (at !== undefined) return this.gateway.past(at, id, (reads) => getService(reads, tenant, id), dockerServiceNotFound);
    return this.gateway.one(['services', 'nodes'], minPosition, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }
}

function asObject(body: unknown): JsonObject {
  if (!isObject(body)) throw new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }]);
  return body;
}
