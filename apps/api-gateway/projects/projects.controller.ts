import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createProject, deleteProject, Dispatcher, projectIdOf } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { Rejection, type ProjectId } from '#domain';
import { getProject, listProjects } from '#read-models';
import { Needs, OperatorOnly } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { CreateProjectDto, ListProjectsDto } from './project.dto.ts';

@ApiTags('projects')
@Controller('v1/projects')
export class ProjectsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Post()
  @OperatorOnly()
  @ApiCreatedResponse({ schema: ref('Project'), description: 'With its first environment, `default`.' })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() { name }: CreateProjectDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const projectId = projectIdOf(change.commandId);
    this.gateway.accept(reply, await createProject(this.parts, name, change.metadata(projectId)));
    reply.header('location', `/v1/projects/${projectId}`);
    return this.#one(tenant, projectId);
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Project') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListProjectsDto): Promise<object> {
    await this.gateway.fresh(['projects'], min_position);
    return listed(await listProjects(this.gateway.reads, tenant, query));
  }

  @Get(':project_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Project') })
  async get(@Tenant() tenant: TenantContext, @Param('project_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const project = at === undefined ? await this.#one(tenant, id, min_position) : await this.gateway.past(at, id, (reads) => getProject(reads, tenant, id), projectNotFound);
    reply.header('etag', `"${project.revision}"`);
    return project;
  }

  /** Refused while anything is in it: services, volumes, resources, secrets, configs, and jobs that aren't over. */
  @Delete(':project_id')
  @OperatorOnly()
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone, and its name is free.' })
  async delete(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('project_id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    if (!reaches(tenant, id)) throw projectNotFound();
    this.gateway.accept(reply, await deleteProject(this.parts, id as ProjectId, change.metadata(id), change.ifMatch));
    await this.gateway.parts.identities.forgetTokensOf(id as ProjectId);
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['projects'], minPosition, () => getProject(this.gateway.reads, tenant, id), projectNotFound);
  }

  private get parts() {
    return { dispatcher: this.dispatcher, aggregates: this.gateway.parts.aggregates };
  }
}

/** What another's project is answered like, too. */
export const projectNotFound = () => new Rejection('not_found', 'project.not_found', 'there is no such project: GET /v1/projects lists those within reach');
