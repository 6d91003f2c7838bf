import type { ContainerSpec, DeploySettings, Hook } from '#domain';
import { mountDocument, resourcesDocument, type MountDocument, type ResourcesDocument } from './container-spec.ts';
import { givenJoinsDocument, type JoinsDocument } from './joins.ts';
import { givenUsesDocument, type ValueUsesDocument } from './value-uses.ts';

/** A job that a deployment runs, as documents say it: what isn't there is the release's own. */
export interface HookDocument extends Partial<ValueUsesDocument & JoinsDocument> {
  readonly image?: string;
  readonly pull_policy?: ContainerSpec['pullPolicy'];
  readonly command?: readonly string[] | null;
  readonly args?: readonly string[] | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly plan?: string | null;
  readonly resources?: ResourcesDocument;
  readonly labels?: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
  readonly volumes?: readonly MountDocument[];
  readonly timeout_ms: number;
  readonly retries: number;
}

/** How a service is moved to a release, as documents say it. Milliseconds; a share that is null is the default. */
export interface DeploySettingsDocument {
  readonly strategy: DeploySettings['strategy'];
  readonly max_surge: number | string | null;
  readonly max_unavailable: number | string | null;
  readonly min_healthy_ms: number;
  readonly healthy_deadline_ms: number;
  readonly progress_deadline_ms: number;
  readonly max_failures: number;
  readonly monitor_ms: number;
  readonly auto_rollback: boolean;
  readonly pre_deploy: HookDocument | null;
  readonly post_deploy: HookDocument | null;
}

/** Those that there are. */
export const hooksIn = ({ pre_deploy, post_deploy }: Pick<DeploySettingsDocument, 'pre_deploy' | 'post_deploy'>): readonly HookDocument[] => [pre_deploy, post_deploy].filter((hook) => hook !== null);

export function hookDocument({ overrides, timeoutMs, retries }: Hook): HookDocument {
  const { pullPolicy, resources, volumes, networks, defaultNetwork, secrets, configs, registryCredentials, dependencies, ...same } = overrides;
  return {
    ...same,
    ...(pullPolicy === undefined ? {} : { pull_policy: pullPolicy }),
    ...(resources === undefined ? {} : { resources: resourcesDocument(resources) }),
    ...(volumes === undefined ? {} : { volumes: volumes.map(mountDocument) }),
    ...givenJoinsDocument({ networks, defaultNetwork }),
    ...givenUsesDocument({ secrets, configs, registryCredentials, dependencies }),
    timeout_ms: timeoutMs,
    retries,
  };
}

export const deploySettingsDocument = (deploy: DeploySettings): DeploySettingsDocument => ({
  strategy: deploy.strategy,
  max_surge: deploy.maxSurge,
  max_unavailable: deploy.maxUnavailable,
  min_healthy_ms: deploy.minHealthyMs,
  healthy_deadline_ms: deploy.healthyDeadlineMs,
  progress_deadline_ms: deploy.progressDeadlineMs,
  max_failures: deploy.maxFailures,
  monitor_ms: deploy.monitorMs,
  auto_rollback: deploy.autoRollback,
  pre_deploy: deploy.preDeploy && hookDocument(deploy.preDeploy),
  post_deploy: deploy.postDeploy && hookDocument(deploy.postDeploy),
});
