import { anything, flag, idOf, instant, many, mapOf, named, object, one, orNull, text, whole, type Schema } from './schema-words.ts';

const reason = orNull(named('Reason'));
const actor = named('Actor');
const ids = { project_id: idOf('prj'), environment_id: idOf('env') };
const spec = {
  image: text,
  pull_policy: one('missing', 'always', 'never'),
  command: orNull(many(text)),
  args: orNull(many(text)),
  env: mapOf(text),
  ports: many(object({ container_port: whole, protocol: one('tcp', 'udp'), host_port: orNull(whole) })),
  plan: orNull(text),
  resources: named('Resources'),
  labels: mapOf(text),
  constraints: many(text),
};
const release = {
  ...spec,
  restart_policy: object({
    name: one('always', 'unless-stopped', 'on-failure', 'no'),
    max_retries: whole,
    delay_ms: orNull(whole),
    backoff: one('constant', 'exponential'),
    window_ms: orNull(whole),
    on_exhausted: one('fail', 'replace'),
  }),
  healthcheck: orNull(
    object(
      { type: one('http', 'tcp', 'command'), interval_ms: whole, timeout_ms: whole, healthy_threshold: whole, unhealthy_threshold: whole, on_unhealthy: one('restart', 'mark') },
      { path: text, port: whole, command: many(text) },
    ),
  ),
};
const { ports: _ports, ...hookSpec } = spec;
const hook = orNull(object({ timeout_ms: whole, retries: whole }, hookSpec));
const share = { type: ['integer', 'string', 'null'] };
const DEPLOYMENT_STATUS = one('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'ROLLED_BACK', 'CANCELLED', 'SUPERSEDED');
const REPLICA_STATE = one('PENDING', 'ASSIGNED', 'PREPARING', 'STARTING', 'RUNNING', 'COMPLETED', 'FAILED', 'STOPPED', 'GONE');
const verdict = object({ node_id: idOf('node'), name: text, fits: flag, score: orNull({ type: 'number' }), reasons: many(object({ filter: text, detail: text })) });
const owner = object({ type: one('docker_service', 'job'), id: text });
const jobTrigger = object({ type: one('manual', 'pre_deploy', 'post_deploy', 'schedule') }, { deployment_id: idOf('dep'), schedule_id: idOf('sch') });

/** Every answer, by its name under `components.schemas`. Specs hold real answers against them. */
export const answerSchemas: Readonly<Record<string, Schema>> = {
  Reason: object({ code: text, message: text }),
  Actor: object({ type: one('user', 'token', 'system'), id: text }),
  Amount: object({ cpu_millis: whole, memory_bytes: whole }),
  Resources: object({ request: named('Amount'), limit: named('Amount') }),
  Problem: {
    ...object({ type: text, title: text, status: whole, detail: text, code: text }),
    properties: {
      ...{ type: text, title: text, status: whole, detail: text, code: text },
      errors: many(object({ pointer: text, code: text, detail: text })),
      facts: { type: 'object' },
    },
  },
  Project: object({ project_id: ids.project_id, name: text, created_at: instant, created_by: actor, revision: whole }),
  Environment: object({ ...ids, name: text, network_id: idOf('net'), created_at: instant, created_by: actor }),
  Plan: object({ name: text, resources: named('Resources'), created_at: instant, created_by: actor, updated_at: instant, updated_by: actor, revision: whole }),
  DeploySettings: object({
    strategy: one('rolling', 'recreate'),
    max_surge: share,
    max_unavailable: share,
    min_healthy_ms: whole,
    healthy_deadline_ms: whole,
    progress_deadline_ms: whole,
    max_failures: whole,
    monitor_ms: whole,
    auto_rollback: flag,
    pre_deploy: hook,
    post_deploy: hook,
  }),
  DockerService: object({
    docker_service_id: idOf('svc'),
    ...ids,
    network_id: idOf('net'),
    name: text,
    hostname: text,
    type: one('web', 'worker'),
    status: orNull(one('PENDING', 'RUNNING', 'FAILED')),
    status_reason: reason,
    degraded: flag,
    lifecycle: one('ACTIVE', 'DELETING', 'DELETED'),
    release: whole,
    image_digest: orNull(text),
    ...release,
    replicas: object({ desired: whole, running: whole, healthy: whole, starting: whole, failed: whole }),
    deploy: named('DeploySettings'),
    secrets: { type: 'object' },
    deployment: orNull(object({ deployment_id: idOf('dep'), status: DEPLOYMENT_STATUS })),
    nodes: many(object({ node_id: idOf('node'), name: text, address: text })),
    endpoints: object({ internal: many(text), published: many(text), url: orNull(text) }),
    warnings: many(named('Reason')),
    created_at: instant,
    created_by: actor,
    updated_at: instant,
    updated_by: actor,
    deleted_at: orNull(instant),
    deleted_by: orNull(actor),
    revision: whole,
  }),
  Replica: object({
    replica_id: idOf('rep'),
    owner,
    ...ids,
    deployment_id: orNull(idOf('dep')),
    slot: whole,
    generation: whole,
    release: orNull(whole),
    state: REPLICA_STATE,
    settled: flag,
    final: flag,
    wanted: one('run', 'hold', 'gone'),
    health: one('unknown'),
    node_id: orNull(idOf('node')),
    container_id: orNull(text),
    address: orNull(text),
    image_id: orNull(text),
    run: whole,
    restarts: whole,
    exit_code: orNull(whole),
    oom_killed: flag,
    reason,
    last_log_lines: many(text),
    placement: orNull(
      object({ attempt: whole, outcome: one('deferred', 'claimed', 'placed', 'refused', 'revoked'), node_id: orNull(idOf('node')), reason: named('Reason'), nodes: many(verdict), at: instant, event_id: text }),
    ),
    created_at: instant,
    started_at: orNull(instant),
    updated_at: instant,
    revision: whole,
  }),
  Deployment: object({
    deployment_id: idOf('dep'),
    docker_service_id: idOf('svc'),
    project_id: ids.project_id,
    status: DEPLOYMENT_STATUS,
    strategy: orNull(one('recreate', 'rolling')),
    from_release: orNull(whole),
    to_release: whole,
    from_image: orNull(text),
    to_image: orNull(text),
    reason,
    created_by: actor,
    started_at: instant,
    finished_at: orNull(instant),
    deadline_at: orNull(instant),
    progress: orNull(object({ running: whole, settled: whole, wanted: whole })),
    failures: many(object({ replica_id: idOf('rep'), slot: whole, reason: named('Reason') })),
    steps: many(object({ name: text, status: one('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'), started_at: orNull(instant), finished_at: orNull(instant), reason })),
    replicas: many(object({ replica_id: idOf('rep'), slot: whole, release: whole, state: REPLICA_STATE, reason })),
  }),
  Job: object({
    job_id: idOf('job'),
    ...ids,
    network_id: idOf('net'),
    name: text,
    ...spec,
    status: one('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMEOUT', 'CANCELLED'),
    status_reason: reason,
    trigger: jobTrigger,
    timeout_ms: whole,
    attempts: many(
      object({ attempt: whole, replica_id: idOf('rep'), state: REPLICA_STATE, node_id: orNull(idOf('node')), exit_code: orNull(whole), oom_killed: flag, reason, started_at: orNull(instant), finished_at: orNull(instant) }),
    ),
    exit_code: orNull(whole),
    oom_killed: flag,
    created_at: instant,
    created_by: actor,
    finished_at: orNull(instant),
    revision: whole,
    links: object({ logs: text }),
  }),
  Node: object({
    node_id: idOf('node'),
    name: text,
    address: text,
    status: one('READY', 'DRAINED', 'UNREACHABLE', 'REMOVED'),
    status_reason: reason,
    architecture: text,
    engine_version: text,
    capacity: named('Amount'),
    reserved: named('Amount'),
    labels: mapOf(text),
    last_heard_at: orNull(instant),
    drained: flag,
    refusing: reason,
    replicas: many(object({ replica_id: idOf('rep'), owner, wanted: one('run', 'hold', 'gone') })),
    registered_at: instant,
    revision: whole,
  }),
  Explanation: object({ summary: text, chain: many(object({ at: instant, what: text, why: text, event_id: text })), nodes: many(verdict) }),
  Event: object({ position: text, type: text, stream: text, revision: whole, at: instant, actor, project_id: orNull(text), data: { type: 'object' }, correlation_id: text, causation_id: orNull(text) }),
  AuditEntry: object({
    position: text,
    at: instant,
    actor,
    origin_id: orNull(text),
    what: text,
    resource: object({ type: text, id: text }),
    project_id: orNull(text),
    before: anything,
    after: anything,
    command_id: text,
    caused_by: orNull(text),
  }),
  Projection: object({
    name: text,
    version: orNull(whole),
    ready: flag,
    caught_up: flag,
    position: orNull(text),
    lag_ms: whole,
    degraded: orNull(text),
    rebuilding: flag,
    last_rebuild: orNull(
      object({
        version: whole,
        position: orNull(text),
        events: whole,
        compared: orNull(object({ documents: whole, differences: whole, unsettled: whole, position: orNull(text) })),
        differences: many(object({ document_id: text, path: text, live: orNull(text), replayed: orNull(text) })),
      }),
    ),
  }),
  LogLine: object({ at: text, stream: one('stdout', 'stderr'), replica_id: idOf('rep'), run: whole, line: text }),
  Logs: object({ items: many(named('LogLine')), cut: flag, missing: many(object({ replica_id: idOf('rep'), reason: text })) }),
};

/** A page of these. */
export const pageSchemas: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.keys(answerSchemas).map((name) => [`${name}List`, object({ items: many(named(name)), next_cursor: orNull(text) })]),
);

/** For the decorators of routes. */
export const ref = (name: string): { $ref: string } => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (name: string): { $ref: string } => ref(`${name}List`);
export const logsContent = { 'application/json': { schema: ref('Logs') }, 'application/x-ndjson': { schema: ref('LogLine') } };
export const eventsContent = { 'application/json': { schema: listOf('Event') }, 'text/event-stream': { schema: { type: 'string' } } };
