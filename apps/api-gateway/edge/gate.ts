import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { Rejection } from '#domain';
import type { OperatorToken } from './operator-token.ts';

/** The only paths that answer without a token. */
export const PUBLIC_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);

/** No token, or one that isn't known: HTTP 401. */
export class Unauthenticated extends Error {}

const OPERATOR: TenantContext = { principal: { type: 'token', id: 'tok_operator' }, projects: 'all', role: 'operator' };

/** Runs before anything else of every request, unknown paths too and before the body is read: who is this?
 *  @throws Unauthenticated */
export const authenticate = (token: OperatorToken) => (request: FastifyRequest, _: FastifyReply, done: () => void): void => {
  const route = request.routeOptions.url;
  if (route !== undefined && PUBLIC_ROUTES.has(route)) return done();
  const presented = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (presented === undefined) throw new Unauthenticated('send the header Authorization: Bearer <token>');
  if (!token.matches(presented)) throw new Unauthenticated('this token is not known here; the operator’s stands in operator.token under WAYBILL_HOME');
  request.tenant = OPERATOR;
  done();
};

const OPERATOR_ONLY = 'waybill:operator-only';
/** A route for those who run the platform. */
export const OperatorOnly = () => SetMetadata(OPERATOR_ONLY, true);

/** Denies by default: a handler runs for nobody but a known principal, with the role that the route asks for. */
@Injectable()
export class RoleGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (PUBLIC_ROUTES.has(request.routeOptions.url ?? '')) return true;
    if (!request.tenant) throw new Unauthenticated('send the header Authorization: Bearer <token>');
    if (request.tenant.role === 'operator') return true;
    if (this.reflector.getAllAndOverride<boolean>(OPERATOR_ONLY, [context.getHandler(), context.getClass()])) throw new Rejection('forbidden', 'role.operator_needed', 'ask an operator of the platform to do this');
    return true;
  }
}
