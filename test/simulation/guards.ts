import type { AssignmentSet, Bus, SetChunk } from '#contracts';
import {
  node as nodeRules, replica as replicaRules, slotKey,
  type AttemptRef, type Command, type CommandMetadata, type Decider, type DomainEvent, type Node, type NodeCommand, type NodeEvent, type Observation, type Replica,
  type ReplicaCommand, type ReplicaEvent, type ReplicaId, type VolumeCommand,
} from '#domain';
import { AggregateStore, OutcomeUnknown, type AggregateStoreParts, type EventStore, type HandleOptions, type Handled, type Recorded } from '#event-store';
import { commandIdOf } from '#platform';

/** What keeps histories true, and can be taken away here to see whether it would be missed. No part of the product knows of this: each
 *  guard is taken away by handing in something weaker where the part takes what it needs. */
export const GUARDS = {
  fencedPlans: 'a plan is written only at the revision that it was made at',
  settlement: 'a claim is settled by its node before another is made',
  highestSettled: 'a node takes no attempt that is not higher than all that it has settled for the slot',
  forwardOnly: 'within a run, states only go forward; GONE is the end',
  historyCheck: 'an agent takes no set of another history',
  voidBeforeFree: "an orphan's stream is voided before its name is freed",
  commandLookUp: 'a command that stands in the stream is answered from there',
  reportAbsentIsGone: 'what is assigned and absent from its node\'s report is GONE',
  boundBeforePlaced: 'a volume is bound to a node before a replica is placed there for it',
  usesSaid: 'whoever mounts a volume says so on its stream first',
} as const;

/** One guard that is off; `none` for the house as it is. */
export type Weakness = keyof typeof GUARDS | 'none' | 'settlementsUnnamed';

/** The one way from commands to events of a process, weakened. */
export function aggregatesOf(parts: Omit<AggregateStoreParts, 'store'> & { readonly store: EventStore }, weakness: Weakness, name: string): AggregateStore {
  if (weakness === 'commandLookUp') return withoutLookUp(parts);
  return weakness === 'none' ? new AggregateStore(parts) : new WeakAggregates(parts, weakness, name);
}

const isOfVolume = ({ type }: Command, which: VolumeCommand['type']): boolean => type === which;

class WeakAggregates extends AggregateStore {
  /** Claims that this process made itself. */
  readonly #own = new Set<string>();

  constructor(
    parts: AggregateStoreParts,
    private readonly weakness: Weakness,
    private readonly name: string,
  ) {
    super(parts);
  }

  // eslint-disable-next-line complexity -- a table: one arm for each guard
  override handle<S, C extends Command, E extends DomainEvent>(
    decider: Decider<S, C, E>, stream: string, command: C, metadata: CommandMetadata, options: HandleOptions = {},
  ): Promise<Handled<S>> {
    const given = command as unknown as NodeCommand | ReplicaCommand | { type: 'VoidReservation' };
    const unguarded = (changed: { decider?: unknown; metadata?: CommandMetadata; options?: HandleOptions }) =>
      super.handle((changed.decider ?? decider) as Decider<S, C, E>, stream, command, changed.metadata ?? metadata, changed.options ?? options);
    const isSettlement = given.type === 'PlaceReplica' || given.type === 'RevokePlacement';
    switch (this.weakness) {
      case 'fencedPlans':
        return unguarded({ options: { ...options, expected: undefined } });
      case 'settlement':
        if (given.type === 'ClaimPlacement') this.#own.add(`${stream.slice('replica-'.length)}|${given.data.attempt}`);
        return isSettlement && !this.#own.has(`${given.data.replicaId}|${given.data.attempt}`) ? this.#passOver(stream, given.data) as never : unguarded({});
      case 'settlementsUnnamed':
      case 'highestSettled':
        if (!isSettlement) return unguarded({});
        return unguarded({ metadata: { ...metadata, commandId: commandIdOf(metadata.commandId, this.name) }, ...(this.weakness === 'highestSettled' ? { decider: FORGETFUL_NODE } : {}) });
      case 'forwardOnly':
        return unguarded(given.type === 'RecordObservation' ? { decider: BELIEVING_REPLICA } : {});
      case 'voidBeforeFree':
        return given.type === 'VoidReservation' ? this.#pretend(decider, stream) : unguarded({});
      case 'reportAbsentIsGone':
        return given.type === 'RecordObservation' && given.data.observation.reason?.code === 'absent_from_report' ? this.#pretend(decider, stream) : unguarded({});
      case 'boundBeforePlaced':
        return isOfVolume(command, 'BindVolume') ? this.#pretend(decider, stream) : unguarded({});
      case 'usesSaid':
        return isOfVolume(command, 'BeginVolumeUse') ? this.#pretend(decider, stream) : unguarded({});
      default:
        return unguarded({});
    }
  }

  /** Nothing is written, and the caller believes that it was. */
  async #pretend<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string): Promise<Handled<S>> {
    const { state, revision, position } = await this.load(decider, stream);
    return { state, revision: revision ?? 0n, position: position ?? '', events: [], repeated: false };
  }

  /** Somebody else's claim is taken for refused, without the node's word. */
  async #passOver(stream: string, attempt: AttemptRef & { readonly replicaId: ReplicaId }): Promise<Handled<Node>> {
    const pretended = await this.#pretend(nodeRules, stream);
    const word = { ...attempt, outcome: 'refused', reason: { code: 'passed_over', message: 'nobody asked the node' } } as const;
    return { ...pretended, state: { ...pretended.state, settled: pretended.state.settled.with(slotKey(attempt), word) } };
  }
}

/** Knows of nothing that it holds no longer. */
const FORGETFUL_NODE: Decider<Node, NodeCommand, NodeEvent> = {
  ...nodeRules,
  decide: (state, command) => nodeRules.decide({ ...state, settled: nodeRules.initial.settled }, command),
};

/** Takes every word of the node that holds it for news, whatever was said before. */
const BELIEVING_REPLICA: Decider<Replica, ReplicaCommand, ReplicaEvent> = {
  ...replicaRules,
  decide: (state, command) => {
    const before = state.status === 'present' && command.type === 'RecordObservation' && !isSame(state.last, command.data.observation) ? { ...state, last: null } : state;
    return replicaRules.decide(before, command);
  },
};

const isSame = (last: Observation | null, next: Observation): boolean => last?.state === next.state && last.run === next.run;

/** A command finds what it wrote itself, and nothing that an earlier try of it wrote. */
function withoutLookUp(parts: AggregateStoreParts): AggregateStore {
  const own = new Set<string>();
  const { store } = parts;
  const append: EventStore['append'] = async (stream, expected, events) => {
    for (const { id } of events) own.add(id);
    try {
      return await store.append(stream, expected, events);
    } catch (error) {
      if (error instanceof OutcomeUnknown) for (const { id } of events) own.delete(id);
      throw error;
    }
  };
  const blind: EventStore = {
    storeId: store.storeId,
    append,
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (after, options) => store.readAll(after, options),
    readRaw: (after, options) => store.readRaw(after, options),
    follow: (after, prefixes, signal) => store.follow(after, prefixes, signal),
    close: () => store.close(),
  };
  const nameless = (event: Recorded): Recorded => (own.has(event.id) ? event : { ...event, metadata: { ...event.metadata, commandId: `not looked up: ${event.id}` } });
  return new AggregateStore({ ...parts, store: blind, upcast: (event) => nameless(parts.upcast(event)) });
}

/** An agent's connection: without the history check, every set looks as if an operator had let it in. */
export function agentsBus(bus: Bus, weakness: Weakness): Bus {
  if (weakness !== 'historyCheck') return bus;
  let sets = 0;
  return {
    get connected() {
      return bus.connected;
    },
    publish: (subject, payload) => bus.publish(subject, payload),
    request: (subject, payload, timeoutMs) => bus.request(subject, payload, timeoutMs),
    onConnect: (callback) => bus.onConnect(callback),
    subscribe: (subject, handler, options) =>
      bus.subscribe(subject, (payload: never, on) => handler(subject.endsWith('.set') ? (adopted(payload, `${(sets += 1)}`) as never) : payload, on), options),
  };
}

function adopted(chunk: SetChunk, adoption: string): SetChunk {
  if (chunk.of !== 1) return chunk;
  return { ...chunk, text: JSON.stringify({ ...(JSON.parse(chunk.text) as AssignmentSet), adoption }) };
}
