import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createdBefore, createDockerService, Dispatcher, dockerServiceIdOf, refuseInvalidService, serviceChangedBefore, standingOr, startedDeployment, ToDockerService, type NewDockerService } from '#application';
import type { TenantContext } from '#contracts';
import type { EnvironmentId, ProjectId } from '#domain';
import { getService, listServices, listServicesAt } from '#read-models';
import { askedIn } from '../compute/asked.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { answerOf, asJson } from '../kept-answers.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { refuseUsed } from '../resources/refuse-used.ts';
import { refuseHooksThatCanNeverRun, refuseWhatCanNeverRun } from './admission.ts';
import { answerService } from './answer-service.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';
import { DeleteDockerServiceDto, ListDockerServicesDto } from './list-docker-services.dto.ts';
import { newDockerService } from './new-docker-service.ts';
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
    const projectId = await projectOf(this.gateway, tenant, body);
    const id = dockerServiceIdOf(change.commandId);
    const parts = { dispatcher: this.dispatcher, aggregates: this.gateway.parts.aggregates };
    const metadata = change.metadata(projectId);
    // A retry is answered by what it made, also when what it names is gone by now, or no node has room left because of it.
    const handled = await standingOr(() => createdBefore(parts, metadata), async () => createDockerService(parts, await this.#asked(body, projectId, change), metadata));
    this.gateway.accept(reply, handled);
    reply.header('location', `/v1/docker-services/${id}`);
    return answerService(this.gateway, tenant, id, startedDeployment(handled));
  }

  async #asked(body: CreateDockerServiceDto, projectId: ProjectId, { commandId }: Mutation): Promise<NewDockerService> {
    const { aggregates, nodes } = this.gateway.parts;
    const named = askedIn({ aggregates, nodes: nodes.present, projectId, environmentId: body.environment_id as EnvironmentId, commandId, madeFor: dockerServiceIdOf(commandId) });
    const { volumes, networks } = named;
    const made = await newDockerService(aggregates, body, { projectId, asked: named, commandId });
    const asked = { ...made, creates: volumes.mounting(made.spec.volumes).creates, newNetworks: networks.creates };
    refuseInvalidService(asked);
    refuseWhatCanNeverRun(nodes.present, { ...asked, volumeNeeds: volumes.needs(asked.spec.volumes) });
    refuseHooksThatCanNeverRun(nodes.present, asked, asked.deploy, '/deploy');
    return asked;
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('DockerService') })
  async list(@Tenant() tenant: TenantContext, @Query() { at, min_position, ...query }: ListDockerServicesDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.gateway.fresh(['services', 'nodes'], min_position);
    if (at !== undefined) return asJson(reply, answerOf(listed(await listServicesAt(this.gateway.parts, tenant, at, query))));
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
    @Query() { at, min_position }: ReadOneDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    if (at !== undefined) return asJson(reply, answerOf(await this.gateway.past(at, id, (reads) => getService(reads, tenant, id), dockerServiceNotFound)));
    const kept = () => this.gateway.kept.answer(tenant, `docker-services/${id}`, (reads) => getService(reads, tenant, id));
    return asJson(reply, await this.gateway.one(['services', 'nodes'], min_position, kept, dockerServiceNotFound));
  }

  /** Asks for the deletion; it is DELETED once the engine confirms that every container is gone. Its volumes are kept, unless it is said:
   *  refused then where another uses one of them, too. Refused as well while somebody depends on it. */
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
    const { dockerServiceId, projectId, name, lifecycle } = service;
    const { aggregates } = this.gateway.parts;
    const metadata = change.metadata(projectId);
    const handled = await standingOr(() => serviceChangedBefore({ dispatcher: this.dispatcher, aggregates }, dockerServiceId, metadata), async () => {
      if (lifecycle === 'ACTIVE' || lifecycle === 'PAUSED') await refuseUsed(this.gateway, { kind: 'docker_service', id, name, projectId });
      if (volumes === 'delete') await refuseSharedVolumes(aggregates, service, change.commandId);
      return this.dispatcher.send(new ToDockerService(id, { type: 'RequestDockerServiceDeletion', data: volumes ? { volumes } : {} }, metadata, { ifMatch: change.ifMatch }));
    });
    this.gateway.accept(reply, handled);
    return this.#one(tenant, id);
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['services', 'nodes'], minPosition, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }
}
