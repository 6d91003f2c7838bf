import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { changeDockerService, deploymentIdOf, Dispatcher, mountsOfService, startedDeployment, targetsNow } from '#application';
import { askedOf, provide } from './provide.ts';
import type { TenantContext } from '#contracts';
import { earlierStable, keptReleases, workingSpec, type DockerServiceCommand, type ExistingDockerService } from '#domain';
import { getService, listDeployments, listReleases, type Page, type Reads } from '#read-models';
import { latestVersions } from '../compute/resolve-values.ts';
import { answerDeployment } from '../deployments/answer-deployment.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, PagingAtDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { refuseHooksThatCanNeverRun, refuseSurgeBeyondHostPorts } from './admission.ts';
import { deployCommand, DeployDockerServiceDto, RollBackDto } from './deploy-docker-service.dto.ts';
import { dockerServiceNotFound, reachDockerService } from './reach.ts';
import { refuseDeployment, refuseRollback } from './refuse-deployment.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id')
export class ReleasesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Get('releases')
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Release'), description: 'The newest first.' })
  async releases(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position, ...query }: PagingAtDto): Promise<object> {
    if (at !== undefined) return this.#asOf(tenant, id, at, (reads) => listReleases(reads, tenant, id, query));
    await this.#service(tenant, id, min_position);
    await this.gateway.fresh(['releases'], min_position);
    return listed(await listReleases(this.gateway.reads, tenant, id, query));
  }

  @Get('deployments')
  @Needs('viewer', 'deploys')
  @ApiOkResponse({ schema: listOf('Deployment'), description: 'The latest first.' })
  async deployments(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position, ...query }: PagingAtDto): Promise<object> {
    if (at !== undefined) return this.#asOf(tenant, id, at, (reads) => listDeployments(reads, tenant, id, query));
    await this.#service(tenant, id, min_position);
    await this.gateway.fresh(['deployments', 'releases', 'replicas'], min_position);
    return listed(await listDeployments(this.gateway.reads, tenant, id, query));
  }

  /** Moves the service to a new release with this image, or to its present one once more. What is said here of the way is for this
   *  deployment alone. One that is under way is superseded. */
  @Post('deployments')
  @Needs('developer', 'deploys')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Deployment') })
  async deploy(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('docker_service_id') id: string,
    @Body() body: DeployDockerServiceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    return this.#move({ tenant, change, id, reply }, async (service) => {
      const asked = askedOf({ aggregates, nodes: nodes.present, commandId: change.commandId }, service);
      const command = await deployCommand(aggregates, service, body, asked, change.commandId);
      refuseSurgeBeyondHostPorts(nodes.present, service, command.data);
      refuseHooksThatCanNeverRun(nodes.present, { projectId: service.projectId, spec: workingSpec(service) }, command.data.settings);
      await refuseDeployment(this.gateway, service, command.data);
      await provide({ dispatcher: this.dispatcher, aggregates }, service, { ...asked.volumes.mounting(mountsOfService(command.data.spec, command.data.settings)), newNetworks: asked.networks.creates }, change);
      return command;
    });
  }

  /** Cuts a new release that copies an earlier one whole, and moves the service to it. */
  @Post('rollback')
  @Needs('developer', 'deploys')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Deployment') })
  async rollBack(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('docker_service_id') id: string,
    @Body() { release }: RollBackDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    return this.#move({ tenant, change, id, reply }, async (service) => {
      const keptNumbers = keptReleases(service);
      const wanted = keptNumbers.find((number) => number === (release ?? earlierStable(service)));
      const spec = wanted === undefined ? undefined : service.releases.get(wanted);
      refuseSurgeBeyondHostPorts(this.gateway.parts.nodes.present, service, { spec });
      const { aggregates } = this.gateway.parts;
      // What it joins, uses and mounts may have been deleted since.
      if (spec) await refuseRollback(this.gateway, service, { release: wanted!, spec });
      await provide({ dispatcher: this.dispatcher, aggregates }, service, { creates: [], mounts: spec?.volumes ?? [] }, change);
      const kept = keptNumbers.map((number) => service.releases.get(number)!);
      const versions = await latestVersions(aggregates, kept);
      const targets = await targetsNow(aggregates, { dependencies: kept.flatMap(({ dependencies = [] }) => dependencies) });
      return { type: 'RollBackDockerService', data: { deploymentId: deploymentIdOf(change.commandId), release: release ?? null, versions, targets } };
    });
  }

  async #move({ tenant, change, id, reply }: Asked, from: (service: ExistingDockerService) => Promise<DockerServiceCommand>): Promise<object> {
    const { aggregates } = this.gateway.parts;
    const { projectId } = await reachDockerService(aggregates, tenant, id);
    const asked = { dockerServiceId: id, ifMatch: change.ifMatch, from };
    const handled = await changeDockerService({ dispatcher: this.dispatcher, aggregates }, asked, change.metadata(projectId));
    this.gateway.accept(reply, handled);
    const deploymentId = startedDeployment(handled)!;
    reply.header('location', `/v1/deployments/${deploymentId}`);
    return answerDeployment(this.gateway, tenant, deploymentId);
  }

  async #asOf(tenant: TenantContext, id: string, at: string, list: (reads: Reads) => Promise<Page<object>>): Promise<object> {
    const page = async (reads: Reads) => ((await getService(reads, tenant, id)) ? list(reads) : null);
    return listed(await this.gateway.past(at, id, page, dockerServiceNotFound));
  }

  #service(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['services'], minPosition, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }
}

interface Asked {
  readonly tenant: TenantContext;
  readonly change: Mutation;
  readonly id: string;
  readonly reply: FastifyReply;
}
