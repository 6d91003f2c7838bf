import type { Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod } from '@nestjs/common/enums/request-method.enum.js';
import { isKnownParameter } from '../access/subjects.ts';
import { OPEN_OPERATIONS, PUBLIC_ROUTES } from './gate.ts';
import { NEED, type Need } from './needs.ts';

/** Before the first request: every route says which role it needs, and names in its path nothing that the gate couldn't find the project of.
 *  @throws Error that names each route of which that isn't so. */
export function refuseUndeclared(controllers: readonly Type[]): void {
  const wrong = controllers.flatMap((controller) => methodsOf(controller).flatMap((method) => flawOf(controller, method)));
  if (wrong.length > 0) throw new Error(`routes that the gate can't guard:\n  ${wrong.join('\n  ')}`);
}

const methodsOf = ({ prototype }: Type): readonly string[] =>
  Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor' && Reflect.hasMetadata(METHOD_METADATA, Object.getOwnPropertyDescriptor(prototype, name)?.value ?? {}));

function flawOf(controller: Type, name: string): string[] {
  const handler = (controller.prototype as Record<string, object>)[name]!;
  const path = `/${[Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, handler)].map(trimmed).filter(Boolean).join('/')}`;
  const verb = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number];
  if (PUBLIC_ROUTES.has(path) || OPEN_OPERATIONS.has(`${verb} ${path}`)) return [];
  const need = (Reflect.getMetadata(NEED, handler) ?? Reflect.getMetadata(NEED, controller)) as Need | undefined;
  if (!need) return [`${verb} ${path}: ${controller.name}.${name} has no @Needs`];
  const unknown = [...path.matchAll(/:([a-z_]+)/g)].map(([, parameter]) => parameter!).filter((parameter) => !isKnownParameter(parameter));
  return need.role === 'operator' ? [] : unknown.map((parameter) => `${verb} ${path}: subjects.ts doesn't know where :${parameter} belongs`);
}

const trimmed = (path: unknown): string => (typeof path === 'string' ? path.replace(/^\/|\/$/g, '') : '');
