import type { FastifyRequest } from 'fastify';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import { namesSubject } from './subjects.ts';

/** A thing that a request names, and where it does so. */
export interface Named {
  readonly field: string;
  readonly id: string;
  /** Into the body, or `?name`; '' in the path. */
  readonly pointer: string;
}

/** What a path names: that alone is what the request is about. */
export const namedInPath = (request: FastifyRequest): readonly Named[] =>
  Object.entries((request.params ?? {}) as Record<string, string>).flatMap(([field, id]) => (namesSubject(field) ? [{ field, id, pointer: '' }] : []));

/** The fields by which a body or a query says where something is to be made, or of what it is. */
const PLACES: ReadonlySet<string> = new Set(['project_id', 'environment_id', 'docker_service_id']);
/** What a tenant may call its own things is no field of ours. */
const CHOSEN_BY_TENANTS: ReadonlySet<string> = new Set(['env', 'labels']);

/** What is of another form, the DTO refuses. */
const ID = /^[a-z]+_[a-z2-7]{26}$/;

/** What a body and a query name, however deep. The body of `…/env` is the map itself, with keys that a tenant chose. */
export const namedBeside = (request: FastifyRequest): readonly Named[] => [...namedIn(request.query, '?'), ...(request.routeOptions.url?.endsWith('/env') ? [] : namedIn(request.body, '/'))];

function namedIn(value: unknown, pointer: string): readonly Named[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => namedIn(item, `${pointer}${index}/`));
  if (!isObject(value)) return [];
  return Object.entries(value as JsonObject).flatMap(([field, held]): readonly Named[] => {
    if (PLACES.has(field)) return typeof held === 'string' && ID.test(held) ? [{ field, id: held, pointer: `${pointer}${field}` }] : [];
    return CHOSEN_BY_TENANTS.has(field) ? [] : namedIn(held, `${pointer}${field}/`);
  });
}
