import { Body, Controller, Get, Param, Put, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher, ToProject } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { project as projectRules, Rejection, streamOf, type DockerServiceId, type Project, type QuotaAmounts } from '#domain';
import type { AggregateStore } from '#event-store';
import { streamsAt } from '#read-models';
import { reachDockerService } from '../docker-services/reach.ts';
import { Needs, OperatorOnly } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { projectQuota, serviceQuota, usedNow } from './quota-answer.ts';
import { QuotaDto, quotaOf } from './quota.dto.ts';

/** As they stand, or stood at an instant. */
type Streams = Pick<AggregateStore, 'load'>;

/** Quotas are read from the project's own stream: what is reserved is never behind. */
@ApiTags('quotas')
@Controller('v1')
export class QuotasController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** What the project may have reserved at most, what is reserved, and what is taken of it. */
  @Get('projects/:project_id/quota')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Quota') })
  async ofProject(@Tenant() tenant: TenantContext, @Param('project_id') id: string, @Query() { at }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { quotas, revision } = await this.#project(this.#streams(at), tenant, id);
    reply.header('etag', `"${revision}"`);
    return projectQuota(id, quotas, at === undefined ? await this.#used(tenant, id) : null);
  }

  /** Takes nothing away: where more is reserved already, it only stops growth. */
  @Put('projects/:project_id/quota')
  @OperatorOnly()
  @ApiOkResponse({ schema: ref('Quota') })
  async changeOfProject(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('project_id') id: string, @Body() body: QuotaDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    await this.#project(this.gateway.parts.aggregates, tenant, id);
    const handled = await this.dispatcher.send(new ToProject(id, { type: 'ChangeProjectQuota', data: { quota: quotaOf(body) } }, change.metadata(id), { ifMatch: change.ifMatch }));
    this.gateway.accept(reply, handled);
    return projectQuota(id, handled.state.quotas, await this.#used(tenant, id));
  }

  /** The same of one service, which its project's holds too. */
  @Get('docker-services/:docker_service_id/quota')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Quota') })
  async ofService(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { dockerServiceId, projectId } = await reachDockerService(this.#streams(at), tenant, id);
    const { quotas, revision } = await this.#project(this.#streams(at), tenant, projectId);
    reply.header('etag', `"${revision}"`);
    return serviceQuota({ projectId, dockerServiceId }, quotas, at === undefined ? await this.#used(tenant, projectId, dockerServiceId) : null);
  }

  /** Makes no release and rolls nothing; at most what its project has. */
  @Put('docker-services/:docker_service_id/quota')
  @Needs('owner')
  @ApiOkResponse({ schema: ref('Quota') })
  async changeOfService(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() body: QuotaDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { dockerServiceId, projectId, lifecycle } = await reachDockerService(this.gateway.parts.aggregates, tenant, id);
    if (lifecycle === 'DELETING' || lifecycle === 'DELETED') throw new Rejection('conflict', 'docker_service.deleted', 'it is being deleted or was: create another one', { lifecycle });
    const command = { type: 'ChangeServiceQuota', data: { dockerServiceId, quota: quotaOf(body) } } as const;
    const handled = await this.dispatcher.send(new ToProject(projectId, command, change.metadata(projectId), { ifMatch: change.ifMatch }));
    this.gateway.accept(reply, handled);
    return serviceQuota({ projectId, dockerServiceId }, handled.state.quotas, await this.#used(tenant, projectId, dockerServiceId));
  }

  #streams(at: string | undefined): Streams {
    return at === undefined ? this.gateway.parts.aggregates : streamsAt(this.gateway.parts, at);
  }

  async #project(streams: Streams, tenant: TenantContext, id: string): Promise<Project & { readonly revision: bigint | null }> {
    const { state, revision } = await streams.load(projectRules, streamOf('project', id));
    if (state.status !== 'present' || !reaches(tenant, id)) throw projectNotFound();
    return { ...state, revision };
  }

  #used(tenant: TenantContext, projectId: string, dockerServiceId: DockerServiceId | null = null): Promise<QuotaAmounts> {
    return usedNow(this.gateway, { tenant, projectId, dockerServiceId });
  }
}
