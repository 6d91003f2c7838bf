import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Dispatcher, ToUser } from '#application';
import type { TenantContext } from '#contracts';
import { PLATFORM, Rejection, Sensitive, streamOf, user, type User, type UserId } from '#domain';
import { hashPassword, isPassword, type KeptUser } from '#identity';
import { deriveId } from '#platform';
import { findUsers, getUser, type Reads, type UserFacts } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs, OperatorOnly } from '../edge/needs.ts';
import { listed, PagingDto, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { ChangePasswordDto, CreateUserDto } from './access.dto.ts';
import { SignInLimits } from './request-limits.ts';

/** Somebody who was kept and never told of, by a request that broke off, gives their login free after this long. */
const HALF_MADE_MS = 60_000;

@ApiTags('users')
@Controller('v1/users')
export class UsersController {
  readonly #limits: SignInLimits;

  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#limits = new SignInLimits(gateway.parts.clock);
  }

  /** Somebody who may sign in, and is a member of nothing yet. */
  @Post()
  @OperatorOnly()
  @ApiCreatedResponse({ schema: ref('User') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateUserDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { login, name = null, operator: isOperator = false } = body;
    const password = new Sensitive(body.password);
    const metadata = change.telling(PLATFORM, { isOperator });
    const userId = deriveId('usr', metadata.commandId, 'user', 0);
    const asked = { userId, login, name, passwordHash: await hashPassword(password), createdAt: change.at };
    const kept = await this.#keep(asked);
    const isRepeat = kept.passwordHash !== asked.passwordHash;
    if (isRepeat && (kept.login !== login || kept.name !== name || !(await isPassword(password, kept.passwordHash)))) throw keyReused();
    const handled = await this.dispatcher.send(new ToUser(userId, { type: 'CreateUser', data: { userId, isOperator } }, metadata));
    this.gateway.accept(reply, handled);
    reply.header('location', `/v1/users/${userId}`);
    return shown(await this.gateway.one(['users'], undefined, () => getUser(this.gateway.reads, tenant, userId), userNotFound), kept);
  }

  @Get()
  @OperatorOnly()
  @ApiOkResponse({ schema: listOf('User') })
  async list(@Tenant() tenant: TenantContext, @Query() { limit = 50, cursor, min_position }: PagingDto): Promise<object> {
    const found = await this.gateway.parts.identities.listUsers(cursor ?? null, limit + 1);
    const page = found.slice(0, limit);
    await this.gateway.fresh(['users'], min_position);
    const facts = await findUsers(this.gateway.reads, tenant, page.map(({ userId }) => userId));
    const items = page.flatMap((kept) => (facts.has(kept.userId) ? [shown(facts.get(kept.userId)!, kept)] : []));
    return listed({ items, next: found.length > limit ? page.at(-1)!.login : null });
  }

  @Get(':user_id')
  @OperatorOnly()
  @ApiOkResponse({ schema: ref('User') })
  async get(@Tenant() tenant: TenantContext, @Param('user_id') id: string, @Query() { at, min_position }: ReadOneDto): Promise<object> {
    const read = (reads: Reads) => getUser(reads, tenant, id);
    const facts = at === undefined ? await this.gateway.one(['users'], min_position, () => read(this.gateway.reads), userNotFound) : await this.gateway.past(at, id, read, userNotFound);
    return shown(facts, await this.gateway.parts.identities.findUser(facts.user_id));
  }

  /** Somebody's own, who says what it was; or anybody's, by an operator. Sessions from before are over. */
  @Put(':user_id/password')
  @Needs('anybody')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Changed.' })
  async changePassword(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('user_id') id: string,
    @Body() { password, current_password: current = '' }: ChangePasswordDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const isOwn = tenant.principal.type === 'user' && tenant.principal.id === id;
    if (!isOwn && tenant.role !== 'operator') throw new Rejection('forbidden', 'role.operator_needed', 'ask an operator of the platform to do this');
    const { identities } = this.gateway.parts;
    const kept = await identities.findUser(id as UserId);
    if (!kept || (await this.#load(id)).status !== 'present') throw userNotFound();
    if (isOwn) await this.#refuseWrong(kept, new Sensitive(current), request.ip);
    const passwordHash = await hashPassword(new Sensitive(password));
    const metadata = isOwn ? change.ofThemselves({}) : change.telling(PLATFORM, {});
    const handled = await this.dispatcher.send(new ToUser(id, { type: 'ChangeUserPassword', data: {} }, metadata, { ifMatch: change.ifMatch }));
    await identities.setPassword(kept.userId, passwordHash);
    this.gateway.accept(reply, handled);
  }

  /** They sign in no more, and what was known of them is forgotten; events keep the id. */
  @Delete(':user_id')
  @OperatorOnly()
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Forgotten.' })
  async delete(@Tenant() _tenant: TenantContext, @Change() change: Mutation, @Param('user_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const handled = await this.dispatcher.send(new ToUser(id, { type: 'DeleteUser', data: {} }, change.metadata(PLATFORM), { ifMatch: change.ifMatch }));
    await this.gateway.parts.identities.forgetUser(id as UserId);
    this.gateway.accept(reply, handled);
  }

  /** Kept first, told of then. @throws Rejection `user.login_taken` */
  async #keep(asked: KeptUser): Promise<KeptUser> {
    const { identities } = this.gateway.parts;
    const standing = await identities.insertUser(asked);
    if (standing.userId === asked.userId) return standing;
    const isHalfMade = asked.createdAt - standing.createdAt > HALF_MADE_MS && (await this.#load(standing.userId)).status === 'absent';
    if (isHalfMade) await identities.forgetUser(standing.userId);
    const again = isHalfMade ? await identities.insertUser(asked) : standing;
    if (again.userId !== asked.userId) throw new Rejection('conflict', 'user.login_taken', 'somebody else has this login: choose another one', { pointer: '/login' });
    return again;
  }

  async #refuseWrong({ login, passwordHash }: KeptUser, current: Sensitive<string>, address: string): Promise<void> {
    this.#limits.begin(login, address);
    if (!(await isPassword(current, passwordHash))) throw new Rejection('forbidden', 'user.password_wrong', 'this is not your present password', { pointer: '/current_password' });
    this.#limits.succeeded(login, address);
  }

  async #load(id: string): Promise<User> {
    return (await this.gateway.parts.aggregates.load(user, streamOf('user', id))).state;
  }
}

/** Who has been forgotten has an id and nothing else. */
const shown = ({ user_id, operator, created_at }: UserFacts, kept: KeptUser | null): object => ({ user_id, login: kept?.login ?? null, name: kept?.name ?? null, operator, created_at });

const userNotFound = () => new Rejection('not_found', 'user.not_found', 'there is no such user: GET /v1/users lists them');
const keyReused = () => new Rejection('invalid', 'idempotency.key_reused', 'this Idempotency-Key was used with another body: choose a new key for a new request');
