import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createVolume, Dispatcher, ToVolume, volumeIdOf } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { Rejection, streamOf, volume as volumeRules, type EnvironmentId, type ExistingVolume } from '#domain';
import { getVolume, listVolumes, type VolumeAnswer } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { placedIn } from './asked-volumes.ts';
import { readUsage } from './read-usage.ts';
import { CreateVolumeDto, ListVolumesDto } from './volume.dto.ts';

@ApiTags('volumes')
@Controller('v1/volumes')
export class VolumesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Makes a persistent volume; on which node it is follows from its first user. */
  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Volume') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateVolumeDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    const projectId = await projectOf(this.gateway, tenant, body);
    const id = volumeIdOf(change.commandId, body.name);
    // A retry is answered by what it made, whatever nodes there are by now.
    const { state } = await aggregates.load(volumeRules, streamOf('volume', id));
    const placed = placedIn(body, state.status === 'absent' ? nodes.present : [], '');
    const asked = { projectId, environmentId: body.environment_id as EnvironmentId, name: body.name, kind: 'persistent', ...placed, madeFor: null } as const;
    this.gateway.accept(reply, await createVolume({ dispatcher: this.dispatcher, aggregates }, asked, change.metadata(projectId)));
    reply.header('location', `/v1/volumes/${id}`);
    return this.#one(tenant, id);
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Volume') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListVolumesDto): Promise<object> {
    await this.gateway.fresh(['volumes'], min_position);
    const { items, next } = await listVolumes(this.gateway.reads, tenant, query);
    return listed({ items: await this.#withUsage(items), next });
  }

  @Get(':volume_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Volume') })
  async get(@Tenant() tenant: TenantContext, @Param('volume_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const volume = at === undefined ? await this.#one(tenant, id, min_position) : await this.#asOf(tenant, id, at);
    reply.header('etag', `"${volume.revision}"`);
    return volume;
  }

  /** Asks for the deletion, with all that is in it; it is DELETED once its node's agent confirms that nothing is left. */
  @Delete(':volume_id')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Volume') })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('volume_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { projectId } = await this.#reach(tenant, id);
    const command = { type: 'RequestVolumeDeletion', data: { reason: { code: 'requested', message: 'it was asked for' } } } as const;
    this.gateway.accept(reply, await this.dispatcher.send(new ToVolume(id, command, change.metadata(projectId), { ifMatch: change.ifMatch })));
    return this.#one(tenant, id);
  }

  async #reach(tenant: TenantContext, id: string): Promise<ExistingVolume> {
    const { state } = await this.gateway.parts.aggregates.load(volumeRules, streamOf('volume', id));
    if (state.status !== 'present' || !reaches(tenant, state.projectId)) throw volumeNotFound();
    return state;
  }

  async #one(tenant: TenantContext, id: string, minPosition?: string) {
    const volume = await this.gateway.one(['volumes'], minPosition, () => getVolume(this.gateway.reads, tenant, id), volumeNotFound);
    return (await this.#withUsage([volume]))[0]!;
  }

  /** How full it was isn't recorded. */
  async #asOf(tenant: TenantContext, id: string, at: string) {
    return { ...(await this.gateway.past(at, id, (reads) => getVolume(reads, tenant, id), volumeNotFound)), used_bytes: null, used_at: null };
  }

  async #withUsage(volumes: readonly VolumeAnswer[]) {
    const usage = await readUsage(this.gateway.parts.bus, volumes);
    return volumes.map((volume) => ({ ...volume, used_bytes: usage.get(volume.volume_id)?.usedBytes ?? null, used_at: usage.get(volume.volume_id)?.at ?? null }));
  }
}

/** What another project's volume is answered like, too. */
export const volumeNotFound = () => new Rejection('not_found', 'volume.not_found', 'there is no such volume: GET /v1/volumes lists those within reach');
