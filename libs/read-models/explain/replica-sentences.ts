import type { NodeEvent, NodeId, ReplicaEvent, RestartTally } from '#domain';
import { ASKED, because, type Names, type Sentences } from './sentence.ts';

/** What happens to replicas and to the nodes that hold them. */
export const replicaSentences: Sentences<(ReplicaEvent | NodeEvent)['type']> = {
  ReplicaCreated: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} waits for a node`, why: 'it was ordered' }),
  ReplicaAbandoned: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} was abandoned before any node took it`, why: data.reason.message }),
  // Where no node was looked at, it waits for something else: a dependency, its network, a volume.
  PlacementDeferred: ({ data }, names) => ({ what: data.nodes.length > 0 || data.reason.code === 'no_nodes' ? `no node fits ${names.replica(data.replicaId)}` : `${names.replica(data.replicaId)} goes to no node yet`, why: data.reason.message }),
  PlacementClaimed: ({ data }, names) => ({ what: `${names.node(data.nodeId)} was ${data.inVain ? 'given up' : 'chosen'} for ${names.replica(data.replicaId)}`, why: data.reason.message }),
  PlacementSettled: ({ data }, names) => ({ what: `${names.node(data.nodeId)} ${SETTLED[data.outcome]} ${names.replica(data.replicaId)}`, why: data.reason.message }),
  ReplicaObserved: ({ data }, names) => ({
    what: `${names.replica(data.replicaId)} was seen ${data.state}${data.health === 'unknown' ? '' : ` and ${HEALTH[data.health]}`} on ${names.node(data.nodeId)} in its run ${data.run}`,
    why: `${because(data.reason, data.exitCode, data.oomKilled)}${data.restarts ? `; ${tallied(data.restarts)}` : ''}`,
  }),
  ObservationRefused: ({ data }, names) => ({ what: `a report that ${names.replica(data.replicaId)} is ${data.state} was refused`, why: data.reason.message }),

  NodeRegistered: ({ data }) => ({ what: `${data.name} joined, at ${data.address}`, why: 'its agent introduced it' }),
  NodeFactsChanged: ({ data }) => ({ what: `${data.name} is another one than before`, why: 'its agent says so of its host' }),
  NodeDrained: ({ stream }, names) => ({ what: `${named(stream, names)} was drained: nothing more is placed there, what runs, runs on`, why: ASKED }),
  NodeActivated: ({ stream }, names) => ({ what: `the drain of ${named(stream, names)} was taken back`, why: ASKED }),
  NodeUnreachable: ({ stream, data }, names) => ({ what: `${named(stream, names)} became unreachable${data.lastHeardAt ? `, heard last at ${data.lastHeardAt}` : ''}`, why: data.reason.message }),
  NodeReachable: ({ stream }, names) => ({ what: `${named(stream, names)} is heard again`, why: 'its agent has spoken' }),
  NodeAdopted: ({ stream }, names) => ({ what: `the agent of ${named(stream, names)} may change over to this history`, why: ASKED }),
  NodeRemoved: ({ stream }, names) => ({ what: `${named(stream, names)} was removed: what ran there is made good elsewhere`, why: ASKED }),
  ReplicaPlaced: ({ stream, data }, names) => ({ what: `${names.replica(data.replicaId)} has its room and ports on ${named(stream, names)}`, why: 'they were free, and the node stands' }),
  PlacementRefused: ({ stream, data }, names) => ({ what: `${named(stream, names)} has no place for ${names.replica(data.replicaId)}`, why: data.reason.message }),
  PlacementRevoked: ({ stream, data }, names) => ({ what: `${names.replica(data.replicaId)} was taken back before ${named(stream, names)} had it`, why: data.reason.message }),
  ReplicaWantedChanged: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} is to ${WANTED[data.to]}`, why: data.reason.message }),
  ReplicaReleased: ({ data }, names) => ({ what: `the room of ${names.replica(data.replicaId)} is free again`, why: data.reason.message }),
};

const named = (stream: string, names: Names): string => names.node(stream.slice('node-'.length) as NodeId);

const SETTLED = { placed: 'took', refused: 'refused', revoked: 'was taken back from' } as const;

const HEALTH = { starting: 'not healthy yet', healthy: 'healthy', unhealthy: 'unhealthy' } as const;

const WANTED = { run: 'run', hold: 'be stopped and kept', gone: 'be removed' } as const;

/** `restarted 42 times from … to … (exited 40, oom_killed 2)` */
const tallied = ({ count: times, firstAt, lastAt, causes }: RestartTally): string =>
  `restarted ${times} times from ${firstAt} to ${lastAt} (${Object.entries(causes).map(([code, often]) => `${code} ${often}`).join(', ')})`;
