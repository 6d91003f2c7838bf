/** Where output goes. `local_only`: it stays with the node's agent, and is read through the platform. */
export interface LoggingTarget {
  readonly type: 'local_only';
}

/** Where figures go. `prometheus`: they are among the platform's, to be scraped; `none`: they aren't. */
export interface MetricsTarget {
  readonly type: 'prometheus' | 'none';
}

/** What a service or job has that says nothing of it. */
export const DEFAULT_TARGETS: { readonly loggingTarget: LoggingTarget; readonly metricsTarget: MetricsTarget } = {
  loggingTarget: { type: 'local_only' },
  metricsTarget: { type: 'prometheus' },
};
