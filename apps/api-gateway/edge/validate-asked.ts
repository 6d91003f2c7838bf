import type { Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ValidationPipe } from './validation.pipe.ts';

/** What the framework notes of a handler's parameters: `<type>:<index>` → where it comes from and what it passes through. */
type Parameters = Readonly<Record<string, { readonly pipes: readonly unknown[] }>>;

const VALIDATED = [RouteParamtypes.BODY, RouteParamtypes.QUERY].map((type) => `${type}:`);

/** Before the first request: puts the `ValidationPipe` before every body and every query that a handler of these takes. A global pipe would stand
 *  before all else that handlers take, too, who asks and a path's parameters, and make a handful of promises for each of them only to let it pass. */
export function validateAsked(controllers: readonly Type[]): void {
  for (const controller of controllers) {
    for (const method of Object.getOwnPropertyNames(controller.prototype)) {
      const takes = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) as Parameters | undefined;
      if (takes) Reflect.defineMetadata(ROUTE_ARGS_METADATA, validated(takes), controller, method);
    }
  }
}

const validated = (takes: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(takes).map(([key, parameter]) =>
      // A second gateway of one process finds it there.
      VALIDATED.some((type) => key.startsWith(type)) && !parameter.pipes.includes(ValidationPipe) ? [key, { ...parameter, pipes: [...parameter.pipes, ValidationPipe] }] : [key, parameter],
    ),
  );
