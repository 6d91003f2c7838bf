import { Body, Controller, Get, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher, ToPlan } from '#application';
import type { TenantContext } from '#contracts';
import { PLATFORM, Rejection } from '#domain';
import { getPlan, listPlans } from '#read-models';
import { resourcesOf } from '../compute/container-spec.ts';
import { Needs, OperatorOnly } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, PagingDto, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { ChangePlanDto, DefinePlanDto } from './plan.dto.ts';

@ApiTags('plans')
@Controller('v1/plans')
export class PlansController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Get()
  @Needs('anybody')
  @ApiOkResponse({ schema: listOf('Plan') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: PagingDto): Promise<object> {
    await this.gateway.fresh(['plans'], min_position);
    return listed(await listPlans(this.gateway.reads, tenant, query));
  }

  @Get(':name')
  @Needs('anybody')
  @ApiOkResponse({ schema: ref('Plan') })
  async get(@Tenant() tenant: TenantContext, @Param('name') name: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const plan = at === undefined ? await this.#one(tenant, name, min_position) : await this.gateway.past(at, name, (reads) => getPlan(reads, tenant, name), planNotFound);
    reply.header('etag', `"${plan.revision}"`);
    return plan;
  }

  @Post()
  @OperatorOnly()
  @ApiCreatedResponse({ schema: ref('Plan') })
  async define(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Body() { name, resources }: DefinePlanDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const data = { name, resources: resourcesOf(resources, '/resources') };
    this.gateway.accept(reply, await this.dispatcher.send(new ToPlan(name, { type: 'DefinePlan', data }, change.metadata(PLATFORM), { ifMatch: change.ifMatch })));
    reply.header('location', `/v1/plans/${name}`);
    return this.#one(tenant, name);
  }

  /** Releases that were made in it keep what they had. */
  @Put(':name')
  @OperatorOnly()
  @ApiOkResponse({ schema: ref('Plan') })
  async change(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('name') name: string,
    @Body() body: ChangePlanDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const data = { resources: resourcesOf(body.resources, '/resources') };
    this.gateway.accept(reply, await this.dispatcher.send(new ToPlan(name, { type: 'ChangePlan', data }, change.metadata(PLATFORM), { ifMatch: change.ifMatch })));
    return this.#one(tenant, name);
  }

  #one(tenant: TenantContext, name: string, minPosition?: string) {
    return this.gateway.one(['plans'], minPosition, () => getPlan(this.gateway.reads, tenant, name), planNotFound);
  }
}

const planNotFound = () => new Rejection('not_found', 'plan.not_found', 'there is no such plan: GET /v1/plans lists them');
