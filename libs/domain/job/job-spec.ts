import type { ContainerSpec } from '../docker-service/events.ts';
import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import type { Hook } from '../docker-service/hook.ts';
import { NO_RESTART } from '../docker-service/restart-policy.ts';
import type { DeploymentId, DockerServiceId, EnvironmentId, JobId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { JobDefinition } from './job.ts';

/** Fields of a container that a job may have in place of a release's own. */
export type JobOverrides = { readonly [Field in keyof ContainerSpec]?: ContainerSpec[Field] | undefined };

/** What a job runs that takes all of a release but what is given: each given field stands whole in place of the release's. A given
 *  `command` drops the release's `args` too, as it drops an image's CMD. A job has no ports and no check, and isn't restarted. */
export function jobSpecOf(release: ContainerSpec, overrides: JobOverrides): ContainerSpec {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)) as Partial<ContainerSpec>;
  const args = given.command != null && given.args === undefined ? null : release.args;
  // A plan is where resources came from: given resources came from none, unless it is said.
  const plan = given.resources && given.plan === undefined ? null : release.plan;
  return { ...release, args, plan, ...given, ports: [], restartPolicy: NO_RESTART, healthcheck: null };
}

/** A release as its replicas run it: a tag that was pinned is what it was pinned to. An image that no registry gave keeps its name, and
 *  the job is placed where that is. Null where it was never cut. */
export function releaseSpecOf({ releases, pins }: Pick<ExistingDockerService, 'releases' | 'pins'>, release: number): ContainerSpec | null {
  const spec = releases.get(release);
  const pin = pins.get(release);
  return spec ? { ...spec, image: pin?.digest ? pin.reference : spec.image } : null;
}

/** What runs a hook. */
export interface HookOf {
  /** Derived from the deployment and `which`, so that two schedulers make it once. */
  readonly jobId: JobId;
  readonly which: 'pre_deploy' | 'post_deploy';
  readonly deploymentId: DeploymentId;
  readonly service: {
    readonly dockerServiceId: DockerServiceId;
    readonly projectId: ProjectId;
    readonly environmentId: EnvironmentId;
    readonly networkId: NetworkId;
    readonly name: string;
  };
  /** What the deployment moves to. */
  readonly release: number;
  readonly spec: ContainerSpec;
  readonly hook: Hook;
}

const NAME_LENGTH = 63;

/** The job that is a deployment's hook: the data of its `CreateJob`. Its outcome is its stream's: anything but SUCCEEDED is a failure. */
export function hookJob({ jobId, which, deploymentId, service, release, spec, hook }: HookOf): JobDefinition {
  const { dockerServiceId, projectId, environmentId, networkId, name } = service;
  const suffix = which === 'pre_deploy' ? '-pre-deploy' : '-post-deploy';
  return {
    jobId,
    projectId,
    environmentId,
    networkId,
    name: `${name.slice(0, NAME_LENGTH - suffix.length)}${suffix}`,
    spec: jobSpecOf(spec, hook.overrides),
    timeoutMs: hook.timeoutMs,
    retries: hook.retries,
    trigger: { type: which, deploymentId },
    inheritsFrom: { dockerServiceId, release },
    rerunOf: null,
  };
}
