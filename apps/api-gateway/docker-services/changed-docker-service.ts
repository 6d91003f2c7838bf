import { deploymentIdOf } from '#application';
import { dependencyId, workingSpec, type DeploySettings, type DockerServiceCommand, type ExistingDockerService, type Targets } from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest, type FieldError } from '../edge/invalid-request.ts';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import { ValidationPipe } from '../edge/validation.pipe.ts';
import type { Asked } from '../compute/asked.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';
import { askedContainer, askedDeploy } from './new-docker-service.ts';
import { patchedBody } from './standing-body.ts';

type ChangeCommand = Extract<DockerServiceCommand, { type: 'ChangeDockerService' }>;

/** What the service has for its whole life. */
const FIXED = ['project_id', 'environment_id', 'name', 'type'] as const;
/** What is the service's own: changed without a release. */
const OWN: ReadonlySet<string> = new Set([...FIXED, 'replicas', 'deploy', 'labels']);

const pipe = new ValidationPipe();

/** The change that a merge patch of the creating body asks for. What the patch doesn't touch stays as it is, also where a plan means
 *  another size by now; nor is it refused for that: only a release that is to be cut has to find there all that it names.
 *  @throws InvalidRequest as creating does, and for what is fixed. */
export async function changedDockerService(aggregates: AggregateStore, service: ExistingDockerService, patch: JsonObject, { asked, commandId }: { readonly asked: Asked; readonly commandId: string }): Promise<ChangeCommand> {
  const body = (await pipe.transform(patchedBody(service, patch), { type: 'body', metatype: CreateDockerServiceDto })) as CreateDockerServiceDto;
  refuseFixed(service, body);
  const data: Writable<ChangeCommand['data']> = { deploymentId: deploymentIdOf(commandId) };
  if ('replicas' in patch) data.replicas = body.replicas ?? 1;
  if ('labels' in patch) data.labels = body.labels ?? {};
  if ('deploy' in patch) data.deploy = await changedDeploy(aggregates, service, { body: body.deploy, patch: patch['deploy'], asked });
  if (Object.keys(patch).some((field) => !OWN.has(field))) {
    const spec = await askedContainer(aggregates, body, { projectId: service.projectId, environmentId: service.environmentId, knownTargets: targetsOf(service) }, asked);
    const { plan, resources } = workingSpec(service);
    const size = 'plan' in patch || 'resources' in patch ? {} : { plan, resources };
    data.spec = { ...spec, ...size };
  }
  return { type: 'ChangeDockerService', data };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function refuseFixed(service: ExistingDockerService, body: CreateDockerServiceDto): void {
  const standing = { project_id: service.projectId, environment_id: service.environmentId, name: service.name, type: service.kind };
  const wrong = FIXED.flatMap((field): FieldError[] =>
    body[field] === standing[field] ? [] : [{ pointer: `/${field}`, code: 'fixed', detail: `stays ${standing[field]} for the service's whole life: create another service` }],
  );
  if (wrong.length) throw new InvalidRequest(wrong);
}

/** What the service was told that its dependencies are. */
const targetsOf = (service: ExistingDockerService): Targets => Object.fromEntries((workingSpec(service).dependencies ?? []).flatMap((use) => (use.target ? [[dependencyId(use), use.target]] : [])));

interface AskedDeploy {
  readonly body: CreateDockerServiceDto['deploy'];
  readonly patch: unknown;
  readonly asked: Asked;
}

async function changedDeploy(aggregates: AggregateStore, service: ExistingDockerService, { body, patch, asked }: AskedDeploy): Promise<DeploySettings> {
  const standing = standingHooks(service, patch);
  const touched = body && { ...body, ...('preDeploy' in standing ? { pre_deploy: null } : {}), ...('postDeploy' in standing ? { post_deploy: null } : {}) };
  return { ...(await askedDeploy(aggregates, touched, service, asked)), ...standing };
}

/** A hook that isn't touched keeps the size that its plan had, and isn't looked at. */
function standingHooks({ deploy }: ExistingDockerService, patch: unknown): Partial<ExistingDockerService['deploy']> {
  if (!isObject(patch)) return {};
  return { ...('pre_deploy' in patch ? {} : { preDeploy: deploy.preDeploy }), ...('post_deploy' in patch ? {} : { postDeploy: deploy.postDeploy }) };
}
