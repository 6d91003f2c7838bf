import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher, ToProject } from '#application';
import { reaches, type TenantContext } from '#contracts';
import type { EnvironmentId, ProjectId, TokenId, TokenScope } from '#domain';
import { hashOfToken, newToken } from '#identity';
import { deriveId } from '#platform';
import { getToken, listTokens, type Reads } from '#read-models';
import { reachDockerService } from '../docker-services/reach.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, PagingAtDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { IssueTokenDto, type TokenScopeDto } from './access.dto.ts';
import { issuingToken } from './principals.ts';
import { subjectNotFound } from './subjects.ts';

@ApiTags('tokens')
@Controller('v1/projects/:project_id/tokens')
export class TokensController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** The token is shown this once. A request that is sent again makes no other one, and `token` is null then: revoke what was lost. */
  @Post()
  @Needs('owner')
  @ApiCreatedResponse({ schema: ref('IssuedToken') })
  async issue(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Param('project_id') id: string, @Body() body: IssueTokenDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    if (!reaches(tenant, id)) throw projectNotFound();
    const projectId = id as ProjectId;
    const { name, role, expires_in_ms: expiresInMs } = body;
    const scope = await this.#scopeOf(tenant, projectId, body.scope ?? null);
    // A name tells of somebody, often; in no event, then.
    const metadata = change.telling(projectId, { role, scope, expiresInMs });
    const tokenId = deriveId('tok', metadata.commandId, 'token', 0);
    const { identities } = this.gateway.parts;
    const token = newToken();
    const hash = hashOfToken(token.reveal());
    await identities.insertToken({ hash, tokenId, projectId, name });
    const command = { type: 'IssueToken', data: { tokenId, role, scope, at: change.at, expiresInMs, issuer: issuingToken(tenant) } } as const;
    const handled = await this.dispatcher.send(new ToProject(projectId, command, metadata)).catch(async (error: unknown) => {
      await identities.forgetHash(hash);
      throw error;
    });
    if (handled.repeated) await identities.forgetHash(hash);
    this.gateway.accept(reply, handled);
    const facts = await this.gateway.one(['tokens'], undefined, () => getToken(this.gateway.reads, tenant, tokenId), projectNotFound);
    return { ...facts, name, token: handled.repeated ? null : token.reveal() };
  }

  /** Those that weren't revoked; what they are is shown to nobody. */
  @Get()
  @Needs('owner')
  @ApiOkResponse({ schema: listOf('Token') })
  async list(@Tenant() tenant: TenantContext, @Param('project_id') projectId: string, @Query() { at, min_position, ...query }: PagingAtDto): Promise<object> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    await this.gateway.fresh(['tokens'], min_position);
    const tokens = (reads: Reads) => listTokens(reads, tenant, { ...query, project_id: projectId });
    const page = at === undefined ? await tokens(this.gateway.reads) : await this.gateway.past(at, projectId, tokens, projectNotFound);
    const names = new Map((await this.gateway.parts.identities.tokensOf(projectId as ProjectId)).map(({ tokenId, name }) => [tokenId, name]));
    return listed({ ...page, items: page.items.map((token) => ({ ...token, name: names.get(token.token_id) ?? null })) });
  }

  /** It counts no more from the next request on, and its name is forgotten. */
  @Delete(':token_id')
  @Needs('owner')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Revoked, also where it had been before.' })
  async revoke(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('project_id') projectId: string, @Param('token_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const tokenId = id as TokenId;
    const command = { type: 'RevokeToken', data: { tokenId } } as const;
    const handled = await this.dispatcher.send(new ToProject(projectId, command, change.metadata(projectId), { ifMatch: change.ifMatch }));
    this.gateway.accept(reply, handled);
    if (handled.events.length > 0) await this.gateway.parts.identities.forgetToken(tokenId);
  }

  /** A scope that says nothing is none. @throws Rejection `docker_service.not_found` for a service that isn't of this project. */
  async #scopeOf(tenant: TenantContext, projectId: ProjectId, scope: TokenScopeDto | null): Promise<TokenScope | null> {
    if (scope === null) return null;
    const { docker_service_id = null, environment_id = null, actions = null } = scope;
    const notFound = () => subjectNotFound('docker_service_id', '/scope/docker_service_id');
    if (docker_service_id === null) return { dockerServiceId: null, environmentId: environment_id as EnvironmentId | null, actions };
    const service = await reachDockerService(this.gateway.parts.aggregates, tenant, docker_service_id).catch(() => null);
    if (service?.projectId !== projectId) throw notFound();
    return { dockerServiceId: service.dockerServiceId, environmentId: environment_id as EnvironmentId | null, actions };
  }
}
