import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createEnvironment, deleteEnvironment, Dispatcher, environmentOf } from '#application';
import { reaches, type TenantContext } from '#contracts';
import type { EnvironmentId, ProjectId } from '#domain';
import { getEnvironment, listEnvironments, type Reads } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, PagingAtDto, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { CreateEnvironmentDto, ListEnvironmentsDto } from './environment.dto.ts';
import { environmentNotFound } from './reach.ts';

@ApiTags('environments')
@Controller('v1')
export class EnvironmentsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Post('projects/:project_id/environments')
  @Needs('owner')
  @ApiCreatedResponse({ schema: ref('Environment') })
  async create(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('project_id') projectId: string,
    @Body() { name }: CreateEnvironmentDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const { environmentId } = environmentOf(change.commandId, name);
    this.gateway.accept(reply, await createEnvironment(this.dispatcher, projectId as ProjectId, name, change.metadata(projectId), change.ifMatch));
    reply.header('location', `/v1/environments/${environmentId}`);
    return this.#one(tenant, environmentId);
  }

  @Get('projects/:project_id/environments')
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Environment') })
  async listOfProject(@Tenant() tenant: TenantContext, @Param('project_id') projectId: string, @Query() { at, min_position, ...query }: PagingAtDto): Promise<object> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const environments = (reads: Reads) => listEnvironments(reads, tenant, { ...query, project_id: projectId });
    if (at !== undefined) return listed(await this.gateway.past(at, projectId, environments, projectNotFound));
    await this.gateway.fresh(['environments'], min_position);
    return listed(await environments(this.gateway.reads));
  }

  @Get('environments')
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Environment') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListEnvironmentsDto): Promise<object> {
    await this.gateway.fresh(['environments'], min_position);
    return listed(await listEnvironments(this.gateway.reads, tenant, query));
  }

  @Get('environments/:environment_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Environment') })
  get(@Tenant() tenant: TenantContext, @Param('environment_id') id: string, @Query() { at, min_position }: ReadOneDto): Promise<object> {
    if (at !== undefined) return this.gateway.past(at, id, (reads) => getEnvironment(reads, tenant, id), environmentNotFound);
    return this.#one(tenant, id, min_position);
  }

  /** Refused while a service is in it. */
  @Delete('environments/:environment_id')
  @Needs('owner')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone; its network follows.' })
  async delete(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('environment_id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { project_id: projectId } = await this.#one(tenant, id);
    const at = { projectId, environmentId: id as EnvironmentId };
    this.gateway.accept(reply, await deleteEnvironment(this.dispatcher, at, change.metadata(projectId), change.ifMatch));
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['environments'], minPosition, () => getEnvironment(this.gateway.reads, tenant, id), environmentNotFound);
  }
}
