/** What is done in place after a container's end; semantics of replicas and restarts, after Docker's policies of the same names.
 *  A container that was lost is no end: a slot that is still wanted gets its next generation under every policy. */
export interface RestartPolicy {
  /** `always`: after every end, a stop by hand too. `unless-stopped`: the same, but one stopped by hand stays stopped. `on-failure`:
   *  after a non-zero exit, out of memory or unhealthy. `no`: never. */
  readonly name: 'always' | 'unless-stopped' | 'on-failure' | 'no';
  /** Restarts within `windowMs` before the replica is FAILED for good; 0: no limit. */
  readonly maxRetries: number;
  /** Milliseconds. Null: at once first, then 1 s doubling to 60 s with jitter, anew after 10 min of running. Given, it is constant,
   *  also before the first restart, unless `backoff` is `exponential`. */
  readonly delayMs: number | null;
  readonly backoff: 'constant' | 'exponential';
  /** Milliseconds in which `maxRetries` counts; null: wide enough for that many retries with their delays. */
  readonly windowMs: number | null;
  /** Of a replica whose retries are spent: `fail` leaves it FAILED, `replace` lets the scheduler try another node. */
  readonly onExhausted: 'fail' | 'replace';
}

/** What a service without a `restart_policy` has. */
export const ALWAYS: RestartPolicy = { name: 'always', maxRetries: 0, delayMs: null, backoff: 'exponential', windowMs: null, onExhausted: 'fail' };

/** Never again in place: a job's attempt. */
export const NO_RESTART: RestartPolicy = { ...ALWAYS, name: 'no' };
