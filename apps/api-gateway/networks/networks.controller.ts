import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createNetwork, deleteNetwork, Dispatcher, networkIdOf } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { isUnwritten, network as networkRules, Rejection, streamOf, type EnvironmentId, type ExistingNetwork } from '#domain';
import { getNetwork, listNetworks, USER_VIEWS } from '#read-models';
import { Needs } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { CreateNetworkDto, ListNetworksDto } from './network.dto.ts';
import { refuseUsedNetwork } from './refuse-used-network.ts';

const VIEWS = ['networks', ...USER_VIEWS] as const;

@ApiTags('networks')
@Controller('v1/networks')
export class NetworksController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Makes a network beside an environment's own; its subnet follows in a moment. */
  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Network') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateNetworkDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { aggregates } = this.gateway.parts;
    const projectId = await projectOf(this.gateway, tenant, body);
    const asked = { projectId, environmentId: body.environment_id as EnvironmentId, name: body.name };
    this.gateway.accept(reply, await createNetwork({ dispatcher: this.dispatcher, aggregates }, asked, change.metadata(projectId)));
    const id = networkIdOf(change.commandId, body.name);
    reply.header('location', `/v1/networks/${id}`);
    return this.#one(tenant, id);
  }

  /** The environments' own too. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Network') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListNetworksDto): Promise<object> {
    await this.gateway.fresh(VIEWS, min_position);
    return listed(await listNetworks(this.gateway.reads, tenant, query));
  }

  @Get(':network_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Network') })
  async get(@Tenant() tenant: TenantContext, @Param('network_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const network = at === undefined ? await this.#one(tenant, id, min_position) : await this.gateway.past(at, id, (reads) => getNetwork(reads, tenant, id), networkNotFound);
    reply.header('etag', `"${network.revision}"`);
    return network;
  }

  /** Refused while somebody uses it, and for an environment's own. */
  @Delete(':network_id')
  @Needs('developer')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone; its nodes take it down.' })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('network_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const network = await this.#reach(tenant, id);
    if (network.status === 'present') await refuseUsedNetwork(this.gateway, tenant, network);
    this.gateway.accept(reply, await deleteNetwork(this.dispatcher, network, change.metadata(network.projectId), { ifMatch: change.ifMatch }));
  }

  /** As its stream says; a retry finds one that it has deleted. */
  async #reach(tenant: TenantContext, id: string): Promise<ExistingNetwork> {
    const { state } = await this.gateway.parts.aggregates.load(networkRules, streamOf('network', id));
    if (isUnwritten(state) || !reaches(tenant, state.projectId)) throw networkNotFound();
    return state;
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(VIEWS, minPosition, () => getNetwork(this.gateway.reads, tenant, id), networkNotFound);
  }
}

/** What another project's network is answered like, too. */
const networkNotFound = () => new Rejection('not_found', 'network.not_found', 'there is no such network: GET /v1/networks lists those within reach');
