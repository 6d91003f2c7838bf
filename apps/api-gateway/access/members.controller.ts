import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { Rejection, streamOf, user, type ProjectRole, type UserId } from '#domain';
import { getMember, listMembers, type MemberFacts, type Reads } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, PagingAtDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { projectNotFound } from '../projects/projects.controller.ts';
import { AddMemberDto, PutMemberDto } from './access.dto.ts';
import { sendKeepingAnOwner } from './keep-owner.ts';

@ApiTags('members')
@Controller('v1/projects/:project_id/members')
export class MembersController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Member') })
  async list(@Tenant() tenant: TenantContext, @Param('project_id') projectId: string, @Query() { at, min_position, ...query }: PagingAtDto): Promise<object> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const members = (reads: Reads) => listMembers(reads, tenant, { ...query, project_id: projectId });
    await this.gateway.fresh(['members'], min_position);
    const page = at === undefined ? await members(this.gateway.reads) : await this.gateway.past(at, projectId, members, projectNotFound);
    return listed({ ...page, items: await this.#named(page.items) });
  }

  /** Somebody by their id or login; of a member the role is changed. */
  @Post()
  @Needs('owner')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Member') })
  async add(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('project_id') projectId: string, @Body() body: AddMemberDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { user_id, login, role } = body;
    if ((user_id == null) === (login == null)) throw new InvalidRequest([{ pointer: '/user_id', code: 'exclusive', detail: 'give user_id or login, and not both' }]);
    const userId = user_id ?? (await this.gateway.parts.identities.findLogin(login!))?.userId;
    return this.#put({ tenant, change, projectId, reply }, { userId, role, pointer: user_id == null ? '/login' : '/user_id' });
  }

  @Put(':user_id')
  @Needs('owner')
  @ApiOkResponse({ schema: ref('Member') })
  put(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('project_id') projectId: string, @Param('user_id') userId: string, @Body() { role }: PutMemberDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#put({ tenant, change, projectId, reply }, { userId, role, pointer: undefined });
  }

  /** Counts from their next request on. */
  @Delete(':user_id')
  @Needs('owner')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Whatever they opened with it is closed.' })
  async remove(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('project_id') projectId: string, @Param('user_id') userId: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const command = { type: 'RemoveMember', data: { userId: userId as UserId } } as const;
    this.gateway.accept(reply, await sendKeepingAnOwner(this.#parts, projectId, command, { metadata: change.metadata(projectId), ifMatch: change.ifMatch }));
  }

  async #put(
    { tenant, change, projectId, reply }: { readonly tenant: TenantContext; readonly change: Mutation; readonly projectId: string; readonly reply: FastifyReply },
    { userId, role, pointer }: { readonly userId: string | undefined; readonly role: ProjectRole; readonly pointer: string | undefined },
  ): Promise<object> {
    if (!reaches(tenant, projectId)) throw projectNotFound();
    const { state } = await this.gateway.parts.aggregates.load(user, streamOf('user', userId ?? 'none'));
    if (state.status !== 'present' || state.userId === null) throw new Rejection('not_found', 'user.not_found', 'there is no such user: an operator creates them', pointer ? { pointer } : {});
    const member = { userId: state.userId, role };
    // A login is in no event, nor is anything that it could be guessed by.
    const metadata = change.telling(projectId, member);
    this.gateway.accept(reply, await sendKeepingAnOwner(this.#parts, projectId, { type: 'PutMember', data: member }, { metadata, ifMatch: change.ifMatch }));
    const added = await this.gateway.one(['members'], undefined, () => getMember(this.gateway.reads, tenant, projectId, member.userId), projectNotFound);
    return (await this.#named([added]))[0]!;
  }

  get #parts() {
    return { dispatcher: this.dispatcher, aggregates: this.gateway.parts.aggregates };
  }

  /** Who has been forgotten has an id and nothing else. */
  async #named(members: readonly MemberFacts[]): Promise<object[]> {
    const known = new Map((await this.gateway.parts.identities.findUsers(members.map(({ user_id }) => user_id))).map((each) => [each.userId, each]));
    return members.map((member) => ({ ...member, login: known.get(member.user_id)?.login ?? null, name: known.get(member.user_id)?.name ?? null }));
  }
}
