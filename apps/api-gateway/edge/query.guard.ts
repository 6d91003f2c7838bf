import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { requestOf } from './request.ts';
import { refuseUnknown } from './validation.pipe.ts';

const ASKED_BY = `${RouteParamtypes.QUERY}:`;

/** Refuses a query where the handler takes none: what a client means by `?dry_run=true` can't be served, and isn't passed over. One that is
 *  taken is judged by its DTO. @throws InvalidRequest */
@Injectable()
export class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    const asked = Object.keys(request.query ?? {});
    if (asked.length === 0 || !request.routeOptions.url?.startsWith('/v1/')) return true;
    const takes = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) as object | undefined;
    if (!Object.keys(takes ?? {}).some((key) => key.startsWith(ASKED_BY))) refuseUnknown(asked, '?');
    return true;
  }
}
