import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createDockerService, Dispatcher, dockerServiceIdOf, isRepeatOfCreate, refuseInvalidService, startedDeployment, ToDockerService } from '#application';
import type { TenantContext } from '#contracts';
import type { EnvironmentId } from '#domain';
import { getService, getServiceAt, listServices } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { answerOf, asJson } from '../kept-answers.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { refuseHooksThatCanNeverRun, refuseWhatCanNeverRun } from './admission.ts';
import { answerService } from './answer-service.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';
import { DeleteDockerServiceDto, GetDockerServiceDto, ListDockerServicesDto } from './list-docker-services.dto.ts';
import { newDockerService } from './new-docker-service.ts';
import { AskedVolumes } from '../volumes/asked-volumes.ts';
import { refuseSharedVolumes } from '../volumes/shared-volumes.ts';
import { dockerServiceNotFound, reachDockerService } from './reach.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services')
export class DockerServicesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Post()
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: 'Created; `deployment_id` is on its way.' })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateDockerServiceDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    const projectId = await projectOf(this.gateway, tenant, body);
    const id = dockerServiceIdOf(change.commandId);
    const volumes = new AskedVolumes({ aggregates, nodes: nodes.present, projectId, environmentId: body.environment_id as EnvironmentId, commandId: change.commandId, madeFor: id });
    const made = await newDockerService(aggregates, body, { projectId, volumes, commandId: change.commandId });
    const asked = { ...made, creates: volumes.mounting(made.spec.volumes).creates };
    refuseInvalidService(asked);
    // A retry is answered by what it made, also when no node has room left because of it.
    if (!(await isRepeatOfCreate(aggregates, change.commandId))) {
      refuseWhatCanNeverRun(nodes.present, { ...asked, volumeNeeds: volumes.needs(asked.spec.volumes) });
      refuseHooksThatCanNeverRun(nodes.present, asked.spec, asked.deploy, '/deploy');
    }
    const handled = await createDockerService({ dispatcher: this.dispatcher, aggregates }, asked, change.metadata(projectId));
    this.gateway.accept(reply, handled);
    reply.header('location', `/v1/docker-services/${id}`);
    return answerService(this.gateway, tenant, id, startedDeployment(handled));
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('DockerService') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListDockerServicesDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.gateway.fresh(['services', 'nodes'], min_position);
    const page = await this.gateway.kept.answer(tenant, `docker-services?${JSON.stringify(query)}`, async (reads) => listed(await listServices(reads, tenant, query)));
    return asJson(reply, page);
  }

  /** With `at`: as it was known at that instant, from the log alone. */
  @Get(':docker_service_id')
  @Needs('viewer', 'deploys')
  @ApiOkResponse({ schema: ref('DockerService') })
  async get(
    @Tenant() tenant: TenantContext,
    @Param('docker_service_id') id: string,
    @Query() { at, min_position }: GetDockerServiceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    if (at !== undefined) return asJson(reply, answerOf(await this.#asOf(tenant, id, at)));
    const kept = () => this.gateway.kept.answer(tenant, `docker-services/${id}`, (reads) => getService(reads, tenant, id));
    return asJson(reply, await this.gateway.one(['services', 'nodes'], min_position, kept, dockerServiceNotFound));
  }

  /** Asks for the deletion; it is DELETED once the engine confirms that every container is gone. Its volumes are kept, unless it is said:
   *  refused then where another uses one of them, too. */
  @Delete(':docker_service_id')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  async delete(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('docker_service_id') id: string,
    @Query() { volumes }: DeleteDockerServiceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const service = await reachDockerService(this.gateway.parts.aggregates, tenant, id);
    const { projectId } = service;
    if (volumes === 'delete') await refuseSharedVolumes(this.gateway.parts.aggregates, service);
    const command = { type: 'RequestDockerServiceDeletion', data: volumes ? { volumes } : {} } as const;
    this.gateway.accept(reply, await this.dispatcher.send(new ToDockerService(id, command, change.metadata(projectId), { ifMatch: change.ifMatch })));
    return this.#one(tenant, id);
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['services', 'nodes'], minPosition, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }

  async #asOf(tenant: TenantContext, id: string, at: string) {
    const service = await getServiceAt(this.gateway.parts, tenant, id, at);
    if (!service) throw dockerServiceNotFound();
    return service;
  }
}
