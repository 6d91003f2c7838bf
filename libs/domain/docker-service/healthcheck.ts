/** How a replica is asked whether it is well: by its node's agent, on the replica's own address; `command` runs in the container. */
export type Probe =
  /** Any status from 200 to 399 is well; no redirect is followed. */
  | { readonly type: 'http'; readonly path: string; readonly port: number }
  /** A connection that is accepted is well. */
  | { readonly type: 'tcp'; readonly port: number }
  /** Exit code 0 is well. */
  | { readonly type: 'command'; readonly command: readonly string[] };

/** A probe, how often, and what its answers mean. Until a run's first success a probe runs every second (or `intervalMs`, where
 *  that is shorter) and failures don't count: the healthy deadline alone ends it. */
export interface Healthcheck {
  readonly probe: Probe;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row that make it healthy. */
  readonly healthyThreshold: number;
  /** Failures in a row that make it unhealthy. */
  readonly unhealthyThreshold: number;
  /** `restart`: within the restart policy. `mark`: only said, and taken out of published routing. */
  readonly onUnhealthy: 'restart' | 'mark';
}

/** All but the probe, where nothing else is asked for. */
export const DEFAULT_HEALTHCHECK: Omit<Healthcheck, 'probe'> = { intervalMs: 10_000, timeoutMs: 2_000, healthyThreshold: 1, unhealthyThreshold: 3, onUnhealthy: 'restart' };
