import type { ContainerSpec } from './events.ts';

/** A job that a deployment runs before it touches any replica (`pre_deploy`; anything but success aborts), or after all of them were
 *  replaced (`post_deploy`; anything but success fails the deployment). It runs the new release's container with what is given here in
 *  place of the release's own. */
export interface Hook {
  readonly overrides: Partial<Pick<ContainerSpec, 'image' | 'pullPolicy' | 'command' | 'args' | 'env' | 'plan' | 'resources' | 'labels' | 'constraints' | 'volumes' | 'secrets' | 'configs' | 'registryCredentials'>>;
  /** From the container's start. Milliseconds. */
  readonly timeoutMs: number;
  /** Further attempts after a failed one. */
  readonly retries: number;
}
