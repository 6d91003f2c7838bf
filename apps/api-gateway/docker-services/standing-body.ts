import { workingSpec, type ExistingDockerService } from '#domain';
import { deploySettingsDocument, releaseSpecDocument, type DeploySettingsDocument, type HookDocument, type ReleaseSpecDocument, type ValueUsesDocument } from '#read-models';
import { isObject, mergePatch, type JsonObject } from '../edge/merge-patch.ts';

/** The body that would create the service as it is: what a merge patch is laid upon. Of two ways to say one thing it says the one that
 *  the patch doesn't, so that nothing has to be removed for the other to be given. */
export function standingBody(service: ExistingDockerService, patch: JsonObject): JsonObject {
  const { plan, resources, restart_policy, healthcheck, labels: _labels, secrets, configs, registry_credentials, ...container } = releaseSpecDocument(workingSpec(service));
  const { pre_deploy, post_deploy, ...deploy } = deploySettingsDocument(service.deploy);
  const deployPatch = isObject(patch['deploy']) ? patch['deploy'] : {};
  return {
    project_id: service.projectId,
    environment_id: service.environmentId,
    name: service.name,
    type: service.kind,
    ...container,
    ...sizeBody({ plan, resources }, patch),
    ...valueUsesBody({ secrets, configs, registry_credentials }, patch),
    restart_policy: restartBody(restart_policy),
    ...(healthcheck ? { healthcheck } : {}),
    labels: service.labels,
    replicas: service.replicas,
    deploy: { ...withoutNulls(deploy), ...hookBody('pre_deploy', pre_deploy, deployPatch), ...hookBody('post_deploy', post_deploy, deployPatch) },
  };
}

/** The body with the patch laid upon it. */
export const patchedBody = (service: ExistingDockerService, patch: JsonObject): JsonObject => mergePatch(standingBody(service, patch), patch) as JsonObject;

/** A plan gives way to resources, resources to a plan, and one form of resources to the other. */
function sizeBody({ plan, resources }: Pick<ReleaseSpecDocument, 'plan' | 'resources'>, patch: JsonObject): JsonObject {
  if (typeof patch['plan'] === 'string') return {};
  const given = patch['resources'];
  if (!isObject(given)) return plan === null ? { resources } : { plan };
  const isShort = 'cpu_millis' in given || 'memory_bytes' in given;
  if (!isShort) return { resources };
  const { request, limit } = resources;
  return request.cpu_millis === limit.cpu_millis && request.memory_bytes === limit.memory_bytes ? { resources: limit } : {};
}

/** What follows from the other fields is left to do so. */
function restartBody({ backoff, delay_ms, window_ms, ...policy }: ReleaseSpecDocument['restart_policy']): JsonObject {
  const follows = (delay_ms === null) === (backoff === 'exponential');
  return { ...policy, ...(delay_ms === null ? {} : { delay_ms }), ...(window_ms === null ? {} : { window_ms }), ...(follows ? {} : { backoff }) };
}

/** A script gives way to nothing but another one; a command gives way to a script. */
function hookBody(name: 'pre_deploy' | 'post_deploy', hook: HookDocument | null, patch: JsonObject): JsonObject {
  if (!hook) return {};
  const { plan, resources, command, args, secrets, configs, registry_credentials, ...rest } = hook;
  const given = isObject(patch[name]) ? patch[name] : {};
  const program = 'script' in given ? {} : { ...(command ? { command } : {}), ...(args ? { args } : {}) };
  const size = resources ? sizeBody({ plan: plan ?? null, resources }, given) : {};
  return { [name]: { ...rest, ...program, ...size, ...valueUsesBody({ secrets, configs, registry_credentials }, given) } };
}

/** What follows the latest is left to do so; a content gives way to a config and the other way round, since a list is replaced whole. Credentials that
 *  are given stand in place of those before. */
function valueUsesBody({ secrets, configs, registry_credentials: credentials }: Partial<ValueUsesDocument>, patch: JsonObject): JsonObject {
  const fixed = (latest: boolean, version: number | null) => (latest || version === null ? {} : { version });
  return {
    ...(secrets ? { secrets: Object.fromEntries(Object.entries(secrets).map(([key, { secret_id, version, latest, as }]) => [key, { secret_id, as, ...fixed(latest, version) }])) } : {}),
    ...(configs ? { configs: configs.map(configBody) } : {}),
    ...(credentials && !isObject(patch['registry_credentials']) ? { registry_credentials: { secret_id: credentials.secret_id, ...fixed(false, credentials.version) } } : {}),
  };
}

const configBody = ({ content, config_id, version, latest, ...file }: ValueUsesDocument['configs'][number]): JsonObject =>
  config_id === null ? { ...file, content } : { ...file, config_id, ...(latest || version === null ? {} : { version }) };

const withoutNulls = (settings: Omit<DeploySettingsDocument, 'pre_deploy' | 'post_deploy'>): JsonObject =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
