import { loadHeld, type NewResource } from '#application';
import { defaultPort, isAddress, latestVersion, resourceViolations, type DockerServiceId, type EnvironmentId, type ExistingResource, type PasswordUse, type ProjectId, type ResourceSettings, type SecretId } from '#domain';
import type { AggregateStore } from '#event-store';
import { refuseUnknownService } from '../compute/resolve-dependencies.ts';
import type { ValueScope } from '../compute/resolve-values.ts';
import { InvalidRequest, type FieldError } from '../edge/invalid-request.ts';
import { mergePatch, type JsonObject } from '../edge/merge-patch.ts';
import { ValidationPipe } from '../edge/validation.pipe.ts';
import { CreateResourceDto } from './resource.dto.ts';

/** The resource that a body asks for, defaults filled in.
 *  @throws InvalidRequest, also `secret.unknown`, `dependency.other_environment`; Rejection `docker_service.not_found`, `docker_service.deleted`. */
export async function askedResource(aggregates: AggregateStore, body: CreateResourceDto, projectId: ProjectId): Promise<NewResource> {
  const scope: ValueScope = { projectId, environmentId: body.environment_id };
  const { name, kind } = body;
  const settings = settingsOf(body);
  const violations = resourceViolations({ name, kind, settings });
  if (violations.length > 0) throw new InvalidRequest(violations.map(({ pointer, code, message }) => ({ pointer, code, detail: message })));
  if (settings.dockerServiceId) await refuseUnknownService(aggregates, scope, settings.dockerServiceId, '/docker_service_id');
  if (settings.password) await refuseUnknownPassword(aggregates, scope, settings.password);
  return { projectId, environmentId: body.environment_id as EnvironmentId, name, kind, settings };
}

function settingsOf({ name, kind, hostname, host, port, user, database, password, docker_service_id }: CreateResourceDto): ResourceSettings {
  const isNamed = host != null && !isAddress(host);
  return {
    hostname: hostname ?? (isNamed ? host : name),
    host: host ?? null,
    port: port ?? (docker_service_id == null ? defaultPort(kind) : null),
    user: user ?? null,
    database: database ?? null,
    password: password ? { secretId: password.secret_id as SecretId, version: typeof password.version === 'number' ? password.version : null } : null,
    dockerServiceId: (docker_service_id ?? null) as DockerServiceId | null,
  };
}

async function refuseUnknownPassword(aggregates: AggregateStore, { projectId, environmentId }: ValueScope, { secretId, version }: PasswordUse): Promise<void> {
  const held = await loadHeld(aggregates, secretId);
  const refuse = (field: string, detail: string) => new InvalidRequest([{ pointer: `/password/${field}`, code: 'secret.unknown', detail }], 'secret.unknown');
  if (held.status !== 'present' || held.projectId !== projectId) throw refuse('secret_id', 'the project has no such secret: GET /v1/secrets lists those within reach');
  if (held.environmentId !== null && held.environmentId !== environmentId) throw refuse('secret_id', `${held.name} belongs to another environment: make one of this environment, or of the whole project`);
  if (version !== null && !held.versions.has(version)) throw refuse('version', `${held.name} has the versions 1 to ${latestVersion(held)}`);
}

const pipe = new ValidationPipe();
/** What a resource has for its whole life. */
const FIXED = ['project_id', 'environment_id', 'name', 'kind'] as const;

/** What a merge patch (RFC 7396) of the creating body makes of a resource. @throws as `askedResource`, and for what is fixed */
export async function changedResource(aggregates: AggregateStore, resource: ExistingResource, patch: JsonObject): Promise<ResourceSettings> {
  const body = (await pipe.transform(mergePatch(standingBody(resource, patch), patch), { type: 'body', metatype: CreateResourceDto })) as CreateResourceDto;
  const standing = { project_id: resource.projectId, environment_id: resource.environmentId, name: resource.name, kind: resource.kind };
  const wrong = FIXED.flatMap((field): FieldError[] => (body[field] === standing[field] ? [] : [{ pointer: `/${field}`, code: 'fixed', detail: `stays ${standing[field]} for the resource's whole life: create another one` }]));
  if (wrong.length > 0) throw new InvalidRequest(wrong);
  return (await askedResource(aggregates, body, resource.projectId)).settings;
}

/** The body that would create it as it is. What is elsewhere gives way to a service and the other way round, with its port; what is so by default is left to be so. */
function standingBody({ projectId, environmentId, name, kind, settings }: ExistingResource, patch: JsonObject): JsonObject {
  const { hostname, host, port, user, database, password, dockerServiceId } = settings;
  const moves = typeof patch['docker_service_id'] === 'string' ? host !== null : typeof patch['host'] === 'string' && dockerServiceId !== null;
  const given = (field: string, value: string | number | null): JsonObject => (value === null ? {} : { [field]: value });
  return {
    project_id: projectId, environment_id: environmentId, name, kind,
    ...(hostname === name || hostname === host ? {} : { hostname }),
    ...(moves ? {} : { ...given('host', host), ...given('port', port), ...given('docker_service_id', dockerServiceId) }),
    ...given('user', user),
    ...given('database', database),
    ...(password ? { password: { secret_id: password.secretId, ...given('version', password.version) } } : {}),
  };
}
