import type { Recorded } from '#event-store';
import type { Liveness } from '../reads.ts';
import type { DeploymentDocument } from '../views/deployments.ts';
import type { JobDocument } from '../views/jobs.ts';
import type { NodeDocument } from '../views/nodes.ts';
import type { ReplicaDocument } from '../views/replicas.ts';
import type { ScheduleDocument } from '../views/schedules.ts';
import { statusOf } from '../views/service-members.ts';
import type { ServiceDocument } from '../views/services.ts';
import type { VolumeDocument } from '../views/volumes.ts';
import { count, type Names } from './sentence.ts';

/** What each kind of thing is at present and why, in one sentence. */
export const inOneSentence = {
  /** @param since when the replica that it waits for came to be as it is; null where it waits for none */
  service(service: ServiceDocument, { silent }: Liveness, since: string | null): string {
    const { status, reason, counts } = statusOf(service, silent);
    const why = reason?.message ?? `${counts.running} of ${counts.desired} replicas run release ${service.release}`;
    return `${service.name} ${status ? `is ${status}` : 'has nothing to run'}: ${why}${reason && since ? ` (since ${since})` : ''}`;
  },

  /** @param trouble what is the matter with its node; null: nothing */
  replica({ slot, generation, state, health, node_id, reason, placement, created_at, started_at, updated_at, restarts, exit_code }: ReplicaDocument, names: Pick<Names, 'node'>, trouble: string | null): string {
    const where = node_id ? ` on ${names.node(node_id)}` : '';
    // It runs since its run came up, whatever was seen of it afterwards.
    const since = state === 'PENDING' ? created_at : state === 'RUNNING' ? (started_at ?? updated_at) : updated_at;
    const what = `slot ${slot} (generation ${generation}) ${trouble ? 'was seen last' : 'is'} ${state}${where} since ${since}${health === 'unknown' ? '' : `, and ${health}`}`;
    const times = restarts > 0 ? `, restarted ${count(restarts, 'time')}` : '';
    const end = exit_code === null || state === 'RUNNING' ? '' : `, exit code ${exit_code}`;
    const why = reason?.message ?? placement?.reason.message;
    return `${what}${times}${end}${why ? `: ${why}` : ''}${trouble ? `; ${trouble}` : ''}`;
  },

  /** @param trouble what is the matter with the node of its latest attempt; null: nothing */
  job({ name, status, status_reason, attempts }: JobDocument, trouble: string | null): string {
    const runs = trouble ? `attempt ${attempts.length} ran when it was seen last` : `attempt ${attempts.length} runs`;
    return `${name} is ${status}: ${status_reason?.message ?? (attempts.length > 0 ? runs : 'its first attempt is about to be made')}${trouble ? `; ${trouble}` : ''}`;
  },

  schedule({ job, cron, time_zone, paused_reason, last_fired }: ScheduleDocument): string {
    const last = last_fired ? `; ${last_fired.job_id} was its last job, of ${last_fired.minute}` : '; it has made no job yet';
    const how = paused_reason ? `is paused: ${paused_reason.message}` : `comes due at "${cron}" in ${time_zone}`;
    return `${job.name} ${how}${last}`;
  },

  /** @param waitsFor what it waits for besides; null: nothing */
  deployment({ to_release, status, reason, steps, finished_at, deadline_at }: DeploymentDocument, waitsFor: string | null): string {
    const stage = steps.find((step) => step.status === 'RUNNING');
    const now = stage ? `it is at ${stage.name} since ${stage.started_at}${stage.reason ? `: ${stage.reason.message}` : ''}` : 'it is about to be taken up';
    const waits = stage && waitsFor ? `; ${waitsFor}` : '';
    const until = finished_at === null && deadline_at ? `; without progress it fails at ${deadline_at}` : '';
    return `the deployment of release ${to_release} is ${status}: ${finished_at === null ? now : (reason?.message ?? 'it has ended')}${waits}${until}`;
  },

  volume({ name, lifecycle, node_id, provisioned, lost, node_reason, used_by }: VolumeDocument, names: Pick<Names, 'node'>): string {
    const users = used_by.length > 0 ? `used by ${used_by.map(({ type, id }) => `${type} ${id}`).join(', ')}` : 'used by nobody';
    if (lifecycle === 'DELETED') return `${name} was deleted: nothing of it is left`;
    if (lost && lifecycle === 'ACTIVE' && node_id) return `${name} is lost on ${names.node(node_id)}: ${lost.message}; ${users}`;
    const where = node_id
      ? `is on ${names.node(node_id)}, ${provisioned ? 'where it was made' : 'where it is about to be made'}: ${node_reason?.message ?? 'its first user went there'}`
      : `is on no node: ${node_reason?.message ?? 'nothing that mounts it was placed yet'}`;
    return `${name} ${where}; ${lifecycle === 'DELETING' ? 'it is being deleted' : users}`;
  },

  /** @param events what it came to, in the order of the log */
  node({ name, status, status_reason, drained, entries, last_heard_at, node_id }: NodeDocument, events: readonly Recorded[], { lastHeardAt, silent }: Liveness): string {
    const at = (type: string): string => {
      const event = events.findLast((each) => each.type === type);
      return event ? ` since ${event.metadata.at}, by ${event.metadata.actor.type} ${event.metadata.actor.id}` : '';
    };
    const holds = `${count(entries.length, 'replica')} there`;
    if (status === 'REMOVED') return `${name} is REMOVED${at('NodeRemoved')}: what ran there is made good elsewhere`;
    const heard = lastHeardAt(node_id) ?? last_heard_at;
    const drain = `it is drained${at('NodeDrained')}: nothing new is placed there`;
    if (status === 'UNREACHABLE') {
      return `${name} is UNREACHABLE${at('NodeUnreachable')}: ${status_reason?.message ?? 'nothing is heard of it'}${heard ? `, heard last at ${heard}` : ''}; ${holds}, of which nothing is known${drained ? `; ${drain}` : ''}`;
    }
    const quiet = silent(node_id) ? `, of which it tells nothing at present: it, or its engine, does not answer${heard ? `, heard last at ${heard}` : ''}` : '';
    if (drained) return `${name} is DRAINED; ${drain}, ${holds} ${quiet ? `are to run on${quiet}` : 'run on'}`;
    return `${name} is READY: ${quiet ? 'it is not known to be away yet' : 'it is heard'}, and takes replicas; ${holds}${quiet}`;
  },
} as const;
