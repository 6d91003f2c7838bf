import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Dispatcher, ToNode } from '#application';
import type { TenantContext } from '#contracts';
import { PLATFORM, Rejection, type NodeCommand } from '#domain';
import { getNode, listNodes, type NodeAnswer } from '#read-models';
import { OperatorOnly } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, PagingDto, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Nothing } from '../edge/validation.pipe.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';

const STATUSES = ['READY', 'DRAINED', 'UNREACHABLE', 'REMOVED'] as const;

export class ListNodesDto extends PagingDto {
  @ApiPropertyOptional({ enum: STATUSES, description: 'Default: all but REMOVED.' })
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;
}

@ApiTags('nodes')
@Controller('v1/nodes')
@OperatorOnly()
export class NodesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Get()
  @ApiOkResponse({ schema: listOf('Node') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListNodesDto): Promise<object> {
    await this.gateway.fresh(['nodes'], min_position);
    const { items, next } = await listNodes(this.gateway.reads, tenant, query);
    return listed({ items: items.map(this.#withRefusal), next });
  }

  @Get(':node_id')
  @ApiOkResponse({ schema: ref('Node') })
  async get(@Tenant() tenant: TenantContext, @Param('node_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const node = at === undefined ? await this.#one(tenant, id, min_position) : await this.#asOf(tenant, id, at);
    reply.header('etag', `"${node.revision}"`);
    return node;
  }

  /** Nothing more is placed there; what runs, runs on. */
  @Post(':node_id/drain')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Node') })
  drain(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('node_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#change(tenant, change, id, { type: 'DrainNode', data: {} }, reply);
  }

  /** Takes back a drain. */
  @Post(':node_id/activate')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Node') })
  activate(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('node_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#change(tenant, change, id, { type: 'ActivateNode', data: {} }, reply);
  }

  /** Lets an agent that refuses this store's history change over to it: what only the other history knows is stopped. */
  @Post(':node_id/adopt')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Node') })
  adopt(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('node_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#change(tenant, change, id, { type: 'AdoptNode', data: {} }, reply);
  }

  /** For a node that is lost or taken out: its replicas are made good elsewhere. For good; it comes back under a new id only. */
  @Delete(':node_id')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Node') })
  remove(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('node_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#change(tenant, change, id, { type: 'RemoveNode', data: {} }, reply);
  }

  async #change(tenant: TenantContext, change: Mutation, id: string, command: NodeCommand, reply: FastifyReply): Promise<object> {
    // A stream of this name may exist without any node: an attempt to place on one that nobody knows is settled there, too.
    await this.#one(tenant, id);
    this.gateway.accept(reply, await this.dispatcher.send(new ToNode(id, command, change.metadata(PLATFORM), { ifMatch: change.ifMatch })));
    return this.#one(tenant, id);
  }

  async #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.#withRefusal(await this.gateway.one(['nodes'], minPosition, () => getNode(this.gateway.reads, tenant, id), nodeNotFound));
  }

  /** What an agent refuses is heard, and isn't recorded. */
  async #asOf(tenant: TenantContext, id: string, at: string) {
    return { ...(await this.gateway.past(at, id, (reads) => getNode(reads, tenant, id), nodeNotFound)), refusing: null };
  }

  readonly #withRefusal = (node: NodeAnswer) => ({ ...node, refusing: this.gateway.parts.heard.refusing(node.node_id) });
}

export const nodeNotFound = () => new Rejection('not_found', 'node.not_found', 'there is no such node: GET /v1/nodes lists them');
