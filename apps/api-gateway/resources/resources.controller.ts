import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags, PartialType } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createResource, deleteResource, Dispatcher, loadResource, resourceChangedBefore, resourceIdOf, resourceNotFound, standingOr, ToResource, type NewResource } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { isUnwritten, resource as resourceRules, streamOf, type ExistingResource } from '#domain';
import { getResource, listResources, USER_VIEWS } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { isObject } from '../edge/merge-patch.ts';
import { Needs } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { askedResource, changedResource } from './asked-resource.ts';
import { refuseCyclesThrough, refuseUsed, refuseUsedWithoutPort } from './refuse-used.ts';
import { CreateResourceDto, ListResourcesDto } from './resource.dto.ts';

/** For the description only: what is merged is validated, not the patch. */
class PatchResourceDto extends PartialType(CreateResourceDto) {}

@ApiTags('resources')
@Controller('v1/resources')
export class ResourcesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Something that services use: elsewhere, or a service behind it. */
  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Resource') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateResourceDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { aggregates } = this.gateway.parts;
    const projectId = await projectOf(this.gateway, tenant, body);
    const id = resourceIdOf(change.commandId);
    // A retry is answered by what stands, whatever became of the service or the secret since.
    const made = async (): Promise<NewResource | null> => loadResource(aggregates, id).then((resource) => (isUnwritten(resource) ? null : resource));
    const asked = await standingOr(made, () => askedResource(aggregates, body, projectId));
    const { environmentId, name, kind, settings } = asked;
    this.gateway.accept(reply, await createResource({ dispatcher: this.dispatcher, aggregates }, { projectId, environmentId, name, kind, settings }, change.metadata(projectId)));
    reply.header('location', `/v1/resources/${id}`);
    return this.#one(tenant, id);
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Resource') })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListResourcesDto): Promise<object> {
    await this.gateway.fresh(USER_VIEWS, min_position);
    return listed(await listResources(this.gateway.reads, tenant, query));
  }

  @Get(':resource_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Resource') })
  async get(@Tenant() tenant: TenantContext, @Param('resource_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const resource = at === undefined ? await this.#one(tenant, id, min_position) : await this.gateway.past(at, id, (reads) => getResource(reads, tenant, id), () => resourceNotFound());
    reply.header('etag', `"${resource.revision}"`);
    return resource;
  }

  /** A merge patch (RFC 7396) of the body that would create it. Whoever depends on it is rolled to where it is then. */
  @Patch(':resource_id')
  @Needs('developer')
  @ApiBody({ type: PatchResourceDto })
  @ApiOkResponse({ schema: ref('Resource') })
  async change(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('resource_id') id: string, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const patch = body ?? {};
    if (!isObject(patch)) throw new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }]);
    const { aggregates } = this.gateway.parts;
    const resource = await this.#reach(tenant, id, change);
    const metadata = change.metadata(resource.projectId);
    const handled = await standingOr(() => resourceChangedBefore({ dispatcher: this.dispatcher, aggregates }, id, metadata), async () => {
      const settings = await changedResource(aggregates, resource, patch);
      if (settings.dockerServiceId !== resource.settings.dockerServiceId) await refuseCyclesThrough(this.gateway, resource, settings);
      await refuseUsedWithoutPort(this.gateway, resource, settings);
      return this.dispatcher.send(new ToResource(id, { type: 'ChangeResource', data: { settings } }, metadata, { ifMatch: change.ifMatch }));
    });
    this.gateway.accept(reply, handled);
    return this.#one(tenant, id);
  }

  /** Refused while somebody uses it. */
  @Delete(':resource_id')
  @Needs('developer')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Gone.' })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('resource_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const resource = await this.#reach(tenant, id, change);
    const metadata = change.metadata(resource.projectId);
    const remove = () => deleteResource(this.dispatcher, resource, metadata, { ifMatch: change.ifMatch });
    const stands = () => this.gateway.parts.aggregates.stands(resourceRules, streamOf('resource', id), change.commandId);
    const handled = await standingOr(async () => ((await stands()) ? remove() : null), async () => {
      await refuseUsed(this.gateway, { kind: 'resource', id, name: resource.name, projectId: resource.projectId });
      return remove();
    });
    this.gateway.accept(reply, handled);
  }

  /** @throws Rejection `resource.not_found` outside the context's reach, and of a deleted one but for a retry */
  async #reach(tenant: TenantContext, id: string, change?: Mutation): Promise<ExistingResource> {
    const { aggregates } = this.gateway.parts;
    const resource = await loadResource(aggregates, id);
    if (isUnwritten(resource) || !reaches(tenant, resource.projectId)) throw resourceNotFound();
    if (resource.status === 'deleted' && !(change && (await aggregates.stands(resourceRules, streamOf('resource', id), change.commandId)))) throw resourceNotFound();
    return resource;
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(USER_VIEWS, minPosition, () => getResource(this.gateway.reads, tenant, id), () => resourceNotFound());
  }
}
