import type { ContainerSpec, DependencyUse, DockerServiceId, ResourceId } from '#domain';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import { idPattern, shaped, type Flaw } from '../edge/shapes.ts';

const text = { type: 'string' } as const;
const id = (prefix: string) => ({ type: 'string' as const, nullable: true, pattern: idPattern(prefix) });

/** How the description shows what a container uses. */
export const DEPENDENCIES_SCHEMA = {
  type: 'object' as const,
  properties: {
    resource_id: id('res'),
    docker_service_id: { ...id('svc'), description: 'A service as it is, by its first port; instead of resource_id.' },
    prefix: { ...text, nullable: true, description: '<prefix>_HOST, _PORT, _USER, _PASS, _NAME and _URL. Default: DB for postgres and mysql, else the kind, or the service’s name, in capitals.', example: 'DB' },
    wait: { type: 'string' as const, enum: ['healthy'], nullable: true, description: 'No replica starts before the service behind it has one that is well. What is elsewhere isn’t waited for.' },
  },
};

/** What is used, as bodies say it. */
export interface DependencyDto {
  readonly resource_id?: string | null;
  readonly docker_service_id?: string | null;
  readonly prefix?: string | null;
  readonly wait?: 'healthy' | null;
}

const ID = /^[a-z2-7]{26}$/;

/** A list of what is used. */
export const IsDependencyList = shaped('dependencyList', (value) => {
  if (!Array.isArray(value)) return [{ path: [], detail: 'must be a list like [{"resource_id": "res_…", "wait": "healthy"}]' }];
  return value.flatMap((use: unknown, index) => (isObject(use) ? flawsOf(index, use) : [{ path: [index], detail: 'must be an object with resource_id or docker_service_id' }]));
});

function flawsOf(index: number, { resource_id, docker_service_id, prefix, wait, ...more }: JsonObject): readonly Flaw[] {
  const given = [resource_id, docker_service_id].filter((id) => id != null).length;
  return [
    ...(given === 1 ? [] : [{ path: [index, 'resource_id'], code: given === 0 ? 'required' : 'exclusive', detail: 'give resource_id or docker_service_id, one of them' }]),
    ...idFlaws('res', resource_id, [index, 'resource_id']),
    ...idFlaws('svc', docker_service_id, [index, 'docker_service_id']),
    ...(prefix == null || typeof prefix === 'string' ? [] : [{ path: [index, 'prefix'], detail: 'must be a text, like "DB"' }]),
    ...(wait == null || wait === 'healthy' ? [] : [{ path: [index, 'wait'], detail: 'must be "healthy"' }]),
    ...Object.keys(more).map((name) => ({ path: [index, name], code: 'unknown_field', detail: `no such field: ${name}` })),
  ];
}

const idFlaws = (kind: string, value: unknown, path: readonly (string | number)[]): readonly Flaw[] =>
  value == null || (typeof value === 'string' && value.startsWith(`${kind}_`) && ID.test(value.slice(kind.length + 1))) ? [] : [{ path, code: 'id', detail: `must be an id: ${kind}_ and 26 characters of a to z and 2 to 7` }];

/** What a body says that a container uses; not said: not there. What each is, is yet to be looked up. */
export const dependenciesOf = (dependencies: readonly DependencyDto[] | null | undefined): Pick<ContainerSpec, 'dependencies'> => (dependencies == null ? {} : { dependencies: dependencies.map(useOf) });

const useOf = ({ resource_id, docker_service_id, prefix, wait }: DependencyDto): DependencyUse => ({
  resourceId: (resource_id ?? null) as ResourceId | null, dockerServiceId: (docker_service_id ?? null) as DockerServiceId | null, prefix: prefix ?? null, wait: wait ?? null, target: null,
});
