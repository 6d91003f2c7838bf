import type { ContainerSpec, EnvironmentId, Health, NetworkId, NodeFacts, NodeId, Observation, Owner, ProjectId, PullProgress, ReplicaId, RunState, VolumeBackend, VolumeId, Wanted } from '#domain';

/** A point in a node's history: the revision of its stream and the event that stands there, as `eventNameOf` names it. */
export interface HistoryPoint {
  readonly revision: string;
  readonly eventId: string;
}

/** An event's id and when it was written. Ids follow from commands: a log that was put back to an earlier state, and went on from
 *  there, may well have the same event at the same revision again after another one before it. The time tells the two apart. */
export const eventNameOf = ({ id, metadata }: { readonly id: string; readonly metadata: { readonly at: string } }): string => `${id}@${metadata.at}`;

/** A network that a container is in, and what it answers to there: its service's name, id and full host name, and its aliases. */
export interface Attachment {
  readonly networkId: NetworkId;
  /** For people; unique in its environment. */
  readonly name: string;
  readonly subnet: string;
  readonly aliases: readonly string[];
  /** `<name>:<other name>`: names that only this container knows, each for whatever answers to the first one there. Left out: none. */
  readonly links?: readonly string[];
}

/** One replica that a node has to hold. Everything that the agent needs to make its container; a pure function of
 *  the node's stream and of what is frozen (releases, jobs), but for `last`, which only ever moves forward. */
export interface Assignment {
  readonly replicaId: ReplicaId;
  readonly owner: Owner;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly slot: number;
  readonly generation: number;
  readonly release: number | null;
  readonly wanted: Wanted;
  readonly replaces: ReplicaId | null;
  /** The networks that its container is in, at least one; the first is the one that its address is told of. */
  readonly networks: readonly Attachment[];
  readonly spec: ContainerSpec;
  readonly minHealthyMs: number;
  /** From the first start order to SETTLED; past it the agent stops the replica and reports FAILED. null: no such deadline (jobs). */
  readonly healthyDeadlineMs: number | null;
  /** A job's time from container start; null for services. */
  readonly timeoutMs: number | null;
  /** SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** The last that the log knows of it, and since when (RFC 3339); an agent that lost its disk goes on from there. */
  readonly last: { readonly run: number; readonly state: RunState; readonly final: boolean; readonly health?: Health; readonly healthChange?: number; readonly at: string } | null;
}

/** A volume that a node has to have, or to have nothing of. One that isn't spoken of is left as it is: data goes by an explicit word only. */
export interface AssignedVolume {
  readonly volumeId: VolumeId;
  readonly name: string;
  readonly backend: VolumeBackend;
  /** Null where the backend holds it to no size. */
  readonly sizeBytes: number | null;
  readonly wanted: 'present' | 'gone';
  /** Of a persistent one whether the log knows it as made on this node. `true`: where it isn't there any more its data is lost, and another, empty one
   *  is no answer to that. `false`: it may be made, and nothing is written to it before the log knows that. Left out: it may be made. */
  readonly made?: boolean;
}

/** All that a node has to hold, as its stream says at `head`. An agent takes it whole or not at all. */
export interface AssignmentSet {
  readonly storeId: string;
  readonly nodeId: NodeId;
  readonly head: HistoryPoint;
  /** The agent's last applied point as this store has it: `eventId` is null where this store has no such revision. */
  readonly base: { readonly revision: string; readonly eventId: string | null } | null;
  /** Id of the latest `NodeAdopted`: one that the agent hasn't seen lets it change over to another history. */
  readonly adoption: string | null;
  readonly entries: readonly Assignment[];
  /** As their streams say, at least as new as the entries need; left out: none. */
  readonly volumes?: readonly AssignedVolume[];
}

/** A set on the wire: its JSON cut in pieces; the last missing piece completes it. */
export interface SetChunk {
  readonly setId: string;
  readonly index: number;
  readonly of: number;
  readonly text: string;
}

export type SetRefusal = 'older_revision' | 'other_store' | 'other_history' | 'unknown_base';

/** What an agent holds now, said after each set, in each heartbeat and when it asks for its set. */
export interface AgentStand {
  readonly nodeId: NodeId;
  readonly storeId: string | null;
  readonly applied: HistoryPoint | null;
  /** Why the last set was refused; null once one was taken. */
  readonly refusing: { readonly code: SetRefusal; readonly message: string } | null;
}

/** Answer to a chunk: null while the set isn't whole yet. */
export interface ChunkReply {
  readonly stand: AgentStand | null;
}

/** Sent every 5 s, heard by every monitor and gateway. */
export interface Heartbeat {
  readonly stand: AgentStand;
  /** Counts up from the agent's start. */
  readonly beat: number;
  /** Why the node's engine doesn't answer: what is known of its containers may be old. Left out while it does. */
  readonly engineTrouble?: string;
  /** How far the pulls are that replicas wait for, finer than the log has it. Left out while there is none. */
  readonly pulling?: readonly (PullProgress & { readonly replicaId: ReplicaId; readonly image: string })[];
}

export interface RegisterRequest {
  readonly nodeId: NodeId;
  readonly facts: NodeFacts;
  /** The public half of the agent's key pair (nkey, `U…`). */
  readonly publicKey: string;
}
/** `refused`: the agent logs it and tries again with backoff. */
export interface RegisterReply {
  readonly registered: boolean;
  readonly refused: string | null;
}

/** A journal's piece, in its order. */
export interface ObservationBatch {
  readonly nodeId: NodeId;
  readonly observations: readonly (Observation & { readonly seq: number })[];
}
/** The seqs whose outcome is durable: appended, already known, or refused for good. The rest is sent again. */
export interface ObservationReply {
  readonly acknowledged: readonly number[];
}

/** An image as engines know it: by its name, or its id. */
export interface ImageRequest {
  readonly reference: string;
}
/** Whether the agent's engine has it now. */
export interface ImageReply {
  readonly present: boolean;
}

/** The agent's full list at an applied point: an assignment of that point that is absent here is GONE. */
export interface Report {
  readonly stand: AgentStand;
  readonly replicas: readonly Observation[];
}
export interface ReportReply {
  readonly taken: boolean;
  /** Replicas that are said to be up or to have ended, of which the log has a later word: that of a former life of the agent, which had counted further. What
   *  runs is another run than `run`, and those before; what has ended has ended in that. Left out: of none. */
  readonly passed?: readonly Passed[];
}

/** The last run that the log knows of a replica. */
export interface Passed {
  readonly replicaId: ReplicaId;
  readonly run: number;
}

/** Of the volumes in its set what an agent has made, and what it has nothing left of: `gone` was to go, `lost` is to be there. */
export interface VolumeReport {
  readonly stand: AgentStand;
  readonly volumes: readonly { readonly volumeId: VolumeId; readonly state: 'made' | 'gone' | 'lost' }[];
}

/** Of these volumes; null: of all. */
export interface VolumeUsageRequest {
  readonly volumeIds: readonly VolumeId[] | null;
}
/** What they hold, as the agent looked last. Left out: those that aren't there, or can't be looked into from where it runs. */
export interface VolumeUsageReply {
  readonly usages: readonly { readonly volumeId: VolumeId; readonly usedBytes: number; readonly at: string }[];
}

/** The last probe of a replica that isn't well: no event, but what a deadline is judged by has to be able to say it. */
export interface ProbeWord {
  readonly replicaId: ReplicaId;
  readonly run: number;
  /** What was wrong. */
  readonly detail: string;
}

/** What came of a report that was asked for, and the last probes of what isn't well; left out: of none. */
export interface ReportNowReply extends ReportReply {
  readonly probes?: readonly ProbeWord[];
}
