import type { NodeId } from '#domain';

/** Every NATS subject, by what it says. Nothing sent on them is truth: a lost message costs delay only. */
export const subjects = {
  /** Appender → everybody: a hint that a project's log grew. Payload `Hint`. A token deeper than `readEvents`: whoever listens to
   *  all hints must neither wake at reads nor answer them. */
  hint: (projectId: string) => `waybill.events.hint.${projectId}`,
  allHints: 'waybill.events.hint.*',
  /** Subscriber → gateways (one of them answers): events after a position. `EventReadRequest` → `EventReadReply`, 10 s. */
  readEvents: 'waybill.events.read',

  /** Agent → health-monitors (one of them answers). `RegisterRequest` → `RegisterReply`, 5 s. */
  register: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.register`,
  /** Agent → every health-monitor and gateway. `Heartbeat`, no answer. */
  heartbeat: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.heartbeat`,
  /** Agent → health-monitors (one answers). `ObservationBatch` → `ObservationReply`, 10 s. */
  observations: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.observations`,
  /** Agent → health-monitors (one answers). `Report` → `ReportReply`, 10 s. */
  report: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.report`,
  /** Agent → health-monitors (one answers): what it has of its volumes. `VolumeReport` → `ReportReply`, 10 s. */
  volumes: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.volumes`,
  /** Agent → schedulers: what I hold; please send my set. `AgentStand`, no answer. */
  sync: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.sync`,

  /** Agent → schedulers (one answers): a value that one of its replicas is given. `ValueRequest` → `ValueReply`, 5 s. */
  value: (nodeId: NodeId | '*') => `waybill.node.${nodeId}.value`,

  /** Any process → every gateway: what it counts. `ProcessFigures`, no answer. */
  figures: (app: string) => `waybill.figures.${app}`,

  /** Scheduler → agent: a piece of its set. `SetChunk` → `ChunkReply`, 5 s. */
  set: (nodeId: NodeId) => `waybill.agent.${nodeId}.set`,
  /** Health-monitor, scheduler or gateway → agent: send a report now. Empty → `ReportNowReply`: what came of it, and what probes said last, 25 s, the gateway 2 s; the monitor waits for none. */
  reportNow: (nodeId: NodeId) => `waybill.agent.${nodeId}.report_now`,
  /** Scheduler, gateway (for a preview) → agent: whether its engine has an image that can't be pulled. `ImageRequest` → `ImageReply`, 1 s. */
  image: (nodeId: NodeId) => `waybill.agent.${nodeId}.image`,
  /** Gateway → agent: what its containers took when it looked last. `SamplesRequest` → `SamplesReply`, 3 s. */
  samples: (nodeId: NodeId) => `waybill.agent.${nodeId}.samples`,
  /** Gateway → agent: what its volumes hold. `VolumeUsageRequest` → `VolumeUsageReply`, 3 s. */
  volumeUsage: (nodeId: NodeId) => `waybill.agent.${nodeId}.volume_usage`,
  /** Gateway → agent: the next lines of a replica. `LogsRequest` → `LogsReply`, 3 s beyond what it may wait for them. */
  logs: (nodeId: NodeId) => `waybill.agent.${nodeId}.logs`,
  /** Gateway → agent: where the last lines of a replica begin. `LogsTailRequest` → `LogsTailReply`, 3 s. */
  logsTail: (nodeId: NodeId) => `waybill.agent.${nodeId}.logs_tail`,
} as const;

/** Wakes followers; they read the log themselves. */
export interface Hint {
  readonly position: string;
}

/** Queue groups: one member of each group takes a request. */
export const queues = { gateway: 'waybill.api-gateway', monitor: 'waybill.health-monitor', scheduler: 'waybill.scheduler' } as const;
