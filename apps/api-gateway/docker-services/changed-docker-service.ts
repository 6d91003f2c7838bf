import { deploymentIdOf } from '#application';
import { workingSpec, type DockerServiceCommand, type ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest, type FieldError } from '../edge/invalid-request.ts';
import { isObject, type JsonObject } from '../edge/merge-patch.ts';
import { ValidationPipe } from '../edge/validation.pipe.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';
import { newDockerService } from './new-docker-service.ts';
import { patchedBody } from './standing-body.ts';

type ChangeCommand = Extract<DockerServiceCommand, { type: 'ChangeDockerService' }>;

/** What the service has for its whole life. */
const FIXED = ['project_id', 'environment_id', 'name', 'type'] as const;
/** What is the service's own: changed without a release. */
const OWN: ReadonlySet<string> = new Set([...FIXED, 'replicas', 'deploy', 'labels']);

const pipe = new ValidationPipe();

/** The change that a merge patch of the creating body asks for. What the patch doesn't touch stays as it is, also where a plan means
 *  another size by now. @throws InvalidRequest as creating does, and for what is fixed. */
export async function changedDockerService(aggregates: AggregateStore, service: ExistingDockerService, patch: JsonObject, { volumes, commandId }: { readonly volumes: AskedVolumes; readonly commandId: string }): Promise<ChangeCommand> {
  const body = (await pipe.transform(patchedBody(service, patch), { type: 'body', metatype: CreateDockerServiceDto })) as CreateDockerServiceDto;
  refuseFixed(service, body);
  const { replicas, deploy, spec } = await newDockerService(aggregates, body, { projectId: service.projectId, volumes, commandId });
  const data: Writable<ChangeCommand['data']> = { deploymentId: deploymentIdOf(commandId) };
  if ('replicas' in patch) data.replicas = replicas;
  if ('labels' in patch) data.labels = spec.labels;
  if ('deploy' in patch) data.deploy = { ...deploy, ...standingHooks(service, patch['deploy']) };
  if (Object.keys(patch).some((field) => !OWN.has(field))) {
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

/** A hook that isn't touched keeps the size that its plan had. */
function standingHooks({ deploy }: ExistingDockerService, patch: unknown): Partial<ExistingDockerService['deploy']> {
  if (!isObject(patch)) return {};
  return { ...('pre_deploy' in patch ? {} : { preDeploy: deploy.preDeploy }), ...('post_deploy' in patch ? {} : { postDeploy: deploy.postDeploy }) };
}
