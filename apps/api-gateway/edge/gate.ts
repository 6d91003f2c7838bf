import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { admit } from '../access/admit.ts';
import { costOf, heldOf } from '../access/request-costs.ts';
import type { RequestLimits } from '../access/request-limits.ts';
import { OPERATOR, type Principals } from '../access/principals.ts';
import { Gateway } from '../gateway.ts';
import { NEED, type Need } from './needs.ts';
import { requestOf } from './request.ts';

/** The only paths that answer without a token. */
export const PUBLIC_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);
/** And the one operation that gives a token to whoever brings a password. */
export const OPEN_OPERATIONS: ReadonlySet<string> = new Set(['POST /v1/sessions']);

const isOpen = ({ method, routeOptions: { url } }: FastifyRequest): boolean => url !== undefined && (PUBLIC_ROUTES.has(url) || OPEN_OPERATIONS.has(`${method} ${url}`));

/** No token, or one that counts no more: HTTP 401. */
export class Unauthenticated extends Error {}

const NO_TOKEN = 'send the header Authorization: Bearer <token>';

/** What a request brings along to say who sends it; undefined where it brings nothing. */
export const presentedBy = (request: FastifyRequest): string | undefined => /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];

/** Runs before anything else of every request, unknown paths too and before the body is read: who is this, and do they ask for too much?
 *  @throws Unauthenticated, TooManyRequests */
export const authenticate = (principals: Principals, limits: RequestLimits) => (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
  const presented = presentedBy(request);
  if (presented !== undefined && principals.isOperators(presented)) {
    request.tenant = isOpen(request) ? null : OPERATOR;
    return done();
  }
  limits.ofAddress(request.ip);
  if (isOpen(request)) return done();
  if (presented === undefined) throw new Unauthenticated(NO_TOKEN);
  takeIn({ request, reply, presented }, principals, limits).then(() => done(), done);
};

async function takeIn({ request, reply: { raw }, presented }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly presented: string }, principals: Principals, limits: RequestLimits): Promise<void> {
  const tenant = await principals.of(presented);
  if (!tenant) throw new Unauthenticated('this token is not known here, has expired or was revoked; the operator’s stands in operator.token under WAYBILL_HOME');
  const over = limits.ofPrincipal(tenant.principal.id, costOfRequest(request));
  // Whoever has gone in the meantime is gone already, and says so no more.
  if (raw.closed) over();
  else raw.once('close', over);
  request.tenant = tenant;
  request.stillStands = async () => (await principals.of(presented)) === tenant;
}

function costOfRequest({ method, routeOptions: { url: route }, query, headers: { accept } }: FastifyRequest): { readonly cost: number; readonly held: number } {
  const asked = { method, route, query: query as Readonly<Record<string, unknown>>, accept };
  const cost = costOf(asked);
  return { cost, held: heldOf(asked, cost) };
}

/** Denies by default: a handler runs for nobody but a known principal, with the role that the route asks for in the project that the request is about. */
@Injectable()
export class RoleGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly gateway: Gateway,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = requestOf(context);
    if (!request.tenant) {
      if (isOpen(request)) return true;
      throw new Unauthenticated(NO_TOKEN);
    }
    const need = this.reflector.getAllAndOverride<Need | undefined>(NEED, [context.getHandler(), context.getClass()]);
    if (!need) throw new Error(`${context.getClass().name}.${context.getHandler().name} says of no role that it needs it`);
    if (need.role !== 'anybody') request.mutation?.allow(need.role);
    return request.tenant.role === 'operator' || admit(this.gateway, request, request.tenant, need).then(() => true);
  }
}
