import { subjects, Transient, type Bus, type LogLine, type LogsReply, type LogsRequest } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';

/** A line as it is answered. */
export interface LogLineAnswer extends Omit<LogLine, 'run'> {
  readonly replica_id: ReplicaId;
  readonly run: number;
}

export interface Logs {
  /** By time, the oldest first. */
  readonly lines: readonly LogLineAnswer[];
  /** Some of what was asked for was cut by the agent's cap. */
  readonly cut: boolean;
  /** Replicas whose node didn't answer, and why: their lines are missing. */
  readonly missing: readonly { readonly replica_id: ReplicaId; readonly reason: string }[];
}

const ANSWER_MS = 5_000;

/** The last `tail` lines of all these replicas together, fetched from the agents that keep them. Lines are never in events or views.
 *  @throws Transient when no node answered at all. */
export async function readLogs(bus: Bus, replicas: readonly { readonly replica_id: ReplicaId; readonly node_id: NodeId | null }[], tail: number): Promise<Logs> {
  const placed = replicas.flatMap(({ replica_id, node_id }) => (node_id === null ? [] : [{ replica_id, node_id }]));
  const asked = await Promise.all(placed.map(({ replica_id, node_id }) => ask(bus, node_id, { replicaId: replica_id, tail })));
  const answers = asked.flatMap((answer) => ('lines' in answer ? [answer] : []));
  const failures = asked.flatMap((answer) => ('error' in answer ? [answer] : []));
  if (answers.length === 0 && failures[0]) throw failures[0].error;
  const lines = answers.flatMap((answer) => answer.lines).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return {
    lines: lines.slice(-tail),
    cut: answers.some(({ cut }) => cut),
    missing: failures.map(({ replica_id, error }) => ({ replica_id, reason: error.message })),
  };
}

type Asked = { readonly lines: LogLineAnswer[]; readonly cut: boolean } | { readonly replica_id: ReplicaId; readonly error: Transient };

async function ask(bus: Bus, nodeId: NodeId, request: LogsRequest): Promise<Asked> {
  const { replicaId: replica_id } = request;
  try {
    const { lines, cut } = await bus.request<LogsReply>(subjects.logs(nodeId), request, ANSWER_MS);
    return { lines: lines.map(({ at, stream, run, line }) => ({ at, stream, replica_id, run, line })), cut };
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    return { replica_id, error };
  }
}
