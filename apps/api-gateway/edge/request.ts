import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { PreconditionFailed } from '#event-store';
import type { Mutation } from './mutation.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the gate for every request but those of public routes. */
    tenant: TenantContext | null;
    /** Set before the handler of every POST, PUT, PATCH and DELETE. */
    mutation: Mutation | null;
    /** Whether the context of this request is still the one that its token gives. null on public routes. */
    stillStands: (() => Promise<boolean>) | null;
  }
}

/** `switchToHttp()` would make three functions and an object of them for every guard and decorator of every request. */
export const requestOf = (context: ExecutionContext): FastifyRequest => context.getArgByIndex<FastifyRequest>(0);

/** Who asks. @throws Error on a public route: nothing there may act for anybody. */
export const Tenant = createParamDecorator((_: unknown, context: ExecutionContext): TenantContext => {
  const { tenant } = requestOf(context);
  if (!tenant) throw new Error('a route that needs a tenant context was opened to the public');
  return tenant;
});

/** What the request wants changed, under which name and at which revision. `new`: it makes a thing, which has no revision yet, so that no
 *  `If-Match` can hold (RFC 9110 §13.1.1). @throws PreconditionFailed */
export const Change = createParamDecorator((makes: 'new' | undefined, context: ExecutionContext): Mutation => {
  const { mutation } = requestOf(context);
  if (!mutation) throw new Error('a changing handler stands behind a reading verb');
  if (makes === 'new' && mutation.ifMatch !== undefined) throw new PreconditionFailed('none', mutation.ifMatch, null);
  return mutation;
});
