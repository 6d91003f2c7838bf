import type { FastifyRequest } from 'fastify';
import { mayIn, reaches, type Role, type TenantContext } from '#contracts';
import { isAtLeast, Rejection, type TokenScope } from '#domain';
import type { Need } from '../edge/needs.ts';
import type { Gateway } from '../gateway.ts';
import { namedBeside, namedInPath, type Named } from './named-subjects.ts';
import { findSubject, subjectNotFound, type Subject } from './subjects.ts';

/** Lets a request pass that its context may make, before anything of it is looked at more closely: what lies outside its reach isn't there (404), what lies
 *  within it and isn't allowed says what is needed (403). A change asks once more when it comes to write (`Mutation`).
 *  @throws Rejection `role.operator_needed`, `role.too_low`, `token.scope`, and as of what doesn't exist. */
export async function admit(gateway: Gateway, request: FastifyRequest, tenant: TenantContext, need: Need): Promise<void> {
  if (tenant.role === 'operator' || need.role === 'anybody') return;
  if (need.role === 'operator') throw new Rejection('forbidden', 'role.operator_needed', 'ask an operator of the platform to do this', needs('operator'));
  const scope = tenant.scope ?? null;
  if (scope?.actions && !need.deploys) throw outsideScope(scope);
  // Queries give nothing but what is within reach; only a scope is narrower.
  if (request.method === 'GET' && need.role === 'viewer' && !scope) return;
  const named = [...namedInPath(request), ...namedBeside(request)];
  if (named.length === 0) return refuseUnplaced(tenant, need.role, scope);
  for (const each of named) await refuseOutside(gateway, tenant, need.role, each);
  if (scope?.actions) refuseHooks(request.body, scope);
}

/** Nothing says of which project it is: whoever may it nowhere is told so; everybody else is told what lacks. */
function refuseUnplaced(tenant: TenantContext, role: Role, scope: TokenScope | null): void {
  if (scope) throw outsideScope(scope);
  const roles = tenant.roles ? [...tenant.roles.values()] : [tenant.role];
  if (!roles.some((held) => role !== 'operator' && held !== 'operator' && isAtLeast(held, role))) throw tooLow(role);
}

async function refuseOutside(gateway: Gateway, tenant: TenantContext, role: Role, { field, id, pointer }: Named): Promise<void> {
  const subject = await findSubject(gateway, field, id);
  if (!subject || !reaches(tenant, subject.projectId)) throw subjectNotFound(field, pointer);
  if (tenant.scope && !isWithin(tenant.scope, subject)) throw outsideScope(tenant.scope);
  if (!mayIn(tenant, subject.projectId, role)) throw tooLow(role);
}

const isWithin = (scope: TokenScope, subject: Subject): boolean =>
  (scope.dockerServiceId === null || scope.dockerServiceId === subject.dockerServiceId) && (scope.environmentId === null || scope.environmentId === subject.environmentId);

/** A hook is a container of any kind, with any secret of the project: more than to deploy a service. */
function refuseHooks(body: unknown, scope: TokenScope): void {
  const hook = ['pre_deploy', 'post_deploy'].find((field) => (body as Record<string, unknown> | null | undefined)?.[field] != null);
  if (hook) throw outsideScope(scope, `/${hook}`);
}

const tooLow = (role: Role): Rejection => new Rejection('forbidden', 'role.too_low', `this takes the role ${role} in the project: ask one of its owners`, needs(role));

function outsideScope({ dockerServiceId, environmentId, actions }: TokenScope, pointer?: string): Rejection {
  const bounds = [actions && `only to ${actions.join(', ')}`, dockerServiceId && `the service ${dockerServiceId}`, environmentId && `the environment ${environmentId}`].filter(Boolean);
  return new Rejection('forbidden', 'token.scope', `this token is held to ${bounds.join(', ')}: use another one`, { scope: { dockerServiceId, environmentId, actions }, ...(pointer ? { pointer } : {}) });
}

const needs = (role: Role) => ({ needed: role });
