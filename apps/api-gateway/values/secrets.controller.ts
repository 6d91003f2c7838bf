import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { Sensitive, type EnvironmentId, type ProjectId } from '#domain';
import { getSecret, listSecrets, USER_VIEWS } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { ApplyDto, ChangeSecretDto, CreateSecretDto, ListHeldDto } from './held-value.dto.ts';
import { KeepValue } from './keep-value.ts';

@ApiTags('secrets')
@Controller('v1/secrets')
export class SecretsController {
  readonly #keep: KeepValue;

  constructor(
    private readonly gateway: Gateway,
    dispatcher: Dispatcher,
  ) {
    this.#keep = new KeepValue(gateway, dispatcher, 'secret');
  }

  /** The value is kept encrypted, and no answer ever gives it back. */
  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Secret') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateSecretDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { project_id, environment_id, name, value } = body;
    if (!reaches(tenant, project_id)) throw projectNotFound();
    const asked = { projectId: project_id as ProjectId, environmentId: (environment_id ?? null) as EnvironmentId | null, name, value: new Sensitive(value) };
    const { id, handled } = await this.#keep.create(asked, change);
    this.gateway.accept(reply, handled);
    reply.header('location', `/v1/secrets/${id}`);
    return this.#one(tenant, id);
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Secret') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListHeldDto): Promise<object> {
    await this.gateway.fresh(['secrets', ...USER_VIEWS], min_position);
    return listed(await listSecrets(this.gateway.reads, tenant, query));
  }

  @Get(':secret_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Secret') })
  async get(@Tenant() tenant: TenantContext, @Param('secret_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const secret = at === undefined ? await this.#one(tenant, id, min_position) : await this.gateway.past(at, id, (reads) => getSecret(reads, tenant, id), () => this.#keep.notFound());
    reply.header('etag', `"${secret.revision}"`);
    return secret;
  }

  /** Another value, as the next version. */
  @Put(':secret_id')
  @Needs('developer')
  @ApiOkResponse({ schema: ref('Secret') })
  async change(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('secret_id') id: string,
    @Query() { apply = 'now' }: ApplyDto,
    @Body() { value }: ChangeSecretDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const held = await this.#keep.reach(tenant, id, change);
    this.gateway.accept(reply, await this.#keep.change(held, new Sensitive(value), apply, change));
    return this.#one(tenant, id);
  }

  /** Refused while somebody uses it. */
  @Delete(':secret_id')
  @Needs('developer')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone, with all of its values; while their store is down, those follow when it is back.' })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('secret_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    this.gateway.accept(reply, await this.#keep.delete(await this.#keep.reach(tenant, id, change), change));
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['secrets', ...USER_VIEWS], minPosition, () => getSecret(this.gateway.reads, tenant, id), () => this.#keep.notFound());
  }
}
