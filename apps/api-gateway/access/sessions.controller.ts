import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { Sensitive, streamOf, user } from '#domain';
import { isPassword } from '#identity';
import { Unauthenticated } from '../edge/gate.ts';
import { Needs } from '../edge/needs.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { SignInDto } from './access.dto.ts';
import { SignInLimits } from './request-limits.ts';

@ApiTags('sessions')
@Controller('v1/sessions')
export class SessionsController {
  readonly #limits: SignInLimits;

  constructor(private readonly gateway: Gateway) {
    this.#limits = new SignInLimits(gateway.parts.clock);
  }

  /** A token that lasts an hour. A wrong password and a login that nobody has are answered alike, and take as long. */
  @Post()
  @ApiCreatedResponse({ schema: ref('Session') })
  async open(@Body() { login, password }: SignInDto, @Req() request: FastifyRequest): Promise<object> {
    const { identities, sessions, aggregates, clock } = this.gateway.parts;
    const name = login.toLowerCase();
    this.#limits.begin(name, request.ip);
    const kept = await identities.findLogin(name);
    // Which of their passwords it is that is tried: looked up before, so that one that is changed meanwhile opens nothing that outlives the change.
    const { state } = await aggregates.load(user, streamOf('user', kept?.userId ?? 'none'));
    const isRight = await isPassword(new Sensitive(password), kept?.passwordHash ?? null);
    const isStill = (await identities.findLogin(name))?.passwordHash === kept?.passwordHash;
    if (!kept || !isRight || !isStill || state.status !== 'present') throw new Unauthenticated('there is no such login, or its password is another one');
    this.#limits.succeeded(name, request.ip);
    const { token, expiresAt } = await sessions.open({ userId: kept.userId, password: state.password }, clock.now());
    return { user_id: kept.userId, token: token.reveal(), expires_at: new Date(expiresAt).toISOString() };
  }

  /** Whom the token speaks for, and what they may where. */
  @Get('current')
  @Needs('anybody')
  @ApiOkResponse({ schema: ref('CurrentSession') })
  current(@Tenant() { principal, projects, role, roles, scope }: TenantContext): object {
    return {
      principal,
      operator: role === 'operator',
      projects: projects === 'all' ? null : projects.map((project_id) => ({ project_id, role: roles?.get(project_id) ?? role })),
      scope: scope ? { docker_service_id: scope.dockerServiceId, environment_id: scope.environmentId, actions: scope.actions } : null,
    };
  }
}
