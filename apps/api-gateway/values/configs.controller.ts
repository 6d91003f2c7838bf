import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher, loadHeld } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { Sensitive, type EnvironmentId, type ProjectId } from '#domain';
import { getConfig, listConfigs, USER_VIEWS, type ConfigAnswer } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { ApplyDto, ChangeConfigDto, CreateConfigDto, ListHeldDto, ReadConfigDto } from './held-value.dto.ts';
import { KeepValue } from './keep-value.ts';

@ApiTags('configs')
@Controller('v1/configs')
export class ConfigsController {
  readonly #keep: KeepValue;

  constructor(
    private readonly gateway: Gateway,
    dispatcher: Dispatcher,
  ) {
    this.#keep = new KeepValue(gateway, dispatcher, 'config');
  }

  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Config') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateConfigDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { project_id, environment_id, name, content } = body;
    if (!reaches(tenant, project_id)) throw projectNotFound();
    const asked = { projectId: project_id as ProjectId, environmentId: (environment_id ?? null) as EnvironmentId | null, name, value: new Sensitive(content) };
    const { id, handled } = await this.#keep.create(asked, change);
    this.gateway.accept(reply, handled);
    reply.header('location', `/v1/configs/${id}`);
    return this.#whole(await this.#one(tenant, id));
  }

  /** Without their contents. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Config') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListHeldDto): Promise<object> {
    await this.gateway.fresh(['configs', ...USER_VIEWS], min_position);
    const { items, next } = await listConfigs(this.gateway.reads, tenant, query);
    return listed({ items: items.map((config) => ({ ...config, content: null })), next });
  }

  /** With its content. */
  @Get(':config_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Config') })
  async get(@Tenant() tenant: TenantContext, @Param('config_id') id: string, @Query() { at, min_position, version }: ReadConfigDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    if (at !== undefined) return this.#asOf(tenant, id, { at, version });
    const config = await this.#one(tenant, id, min_position);
    reply.header('etag', `"${config.revision}"`);
    return this.#whole(config, version);
  }

  /** Another content, as the next version. */
  @Put(':config_id')
  @Needs('developer')
  @ApiOkResponse({ schema: ref('Config') })
  async change(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('config_id') id: string,
    @Query() { apply = 'now' }: ApplyDto,
    @Body() { content }: ChangeConfigDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const held = await this.#keep.reach(tenant, id, change);
    this.gateway.accept(reply, await this.#keep.change(held, new Sensitive(content), apply, change));
    return this.#whole(await this.#one(tenant, id));
  }

  /** Refused while somebody uses it. */
  @Delete(':config_id')
  @Needs('developer')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone, with all of its contents; while their store is down, those follow when it is back.' })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('config_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    this.gateway.accept(reply, await this.#keep.delete(await this.#keep.reach(tenant, id, change), change));
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['configs', ...USER_VIEWS], minPosition, () => getConfig(this.gateway.reads, tenant, id), () => this.#keep.notFound());
  }

  /** Contents of a config that is gone are gone with it. */
  async #asOf(tenant: TenantContext, id: string, { at, version }: { readonly at: string; readonly version: number | undefined }): Promise<object> {
    const config = await this.gateway.past(at, id, (reads) => getConfig(reads, tenant, id), () => this.#keep.notFound());
    const { status } = await loadHeld(this.gateway.parts.aggregates, id);
    return status === 'present' ? this.#whole(config, version) : { ...config, content: null };
  }

  async #whole(config: ConfigAnswer, version = config.version): Promise<object> {
    const { aggregates, vault } = this.gateway.parts;
    if (version > config.version) throw new InvalidRequest([{ pointer: '?version', code: 'out_of_range', detail: `the config has the versions 1 to ${config.version}` }]);
    const valueId = async (): Promise<string> => {
      const held = await loadHeld(aggregates, config.config_id);
      // It may be deleted since it was looked up, and its contents with it.
      if (held.status !== 'present') throw this.#keep.notFound();
      return held.versions.get(version)!.valueId;
    };
    const named = { projectId: config.project_id, id: config.config_id, version, valueId: await valueId() };
    const content = await vault.open(named).catch(async (error: unknown) => {
      await valueId();
      throw error;
    });
    return { ...config, content: content.reveal().toString() };
  }
}
