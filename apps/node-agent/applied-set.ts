import type { AgentStand, AssignedVolume, AssignmentSet, HistoryPoint, Logger, SetRefusal } from '#contracts';
import type { Assignment } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';
import type { Disk } from './disk.ts';

/** The set that was taken last, as it stands on disk. */
export interface Held {
  readonly storeId: string;
  readonly head: HistoryPoint;
  readonly entries: readonly Assignment[];
  readonly volumes?: readonly AssignedVolume[];
  /** Ids of the adoptions that were seen, oldest first. */
  readonly adoptions: readonly string[];
}

export type Verdict = { readonly take: true } | { readonly take: false; readonly code: SetRefusal; readonly message: string };

/** Whether a set continues the history that the agent holds. An agent that holds nothing takes any; an adoption that it
 *  hasn't seen lets it change over to any history. Pure. */
export function judgeSet(held: Held | null, set: AssignmentSet): Verdict {
  if (held === null) return { take: true };
  if (set.adoption !== null && !held.adoptions.includes(set.adoption)) return { take: true };
  if (set.storeId !== held.storeId) return refuse('other_store', `the set is of store ${set.storeId}, this node holds one of ${held.storeId}`);
  const [offered, own] = [BigInt(set.head.revision), BigInt(held.head.revision)];
  if (offered < own) return refuse('older_revision', `the set is of revision ${offered}, this node holds ${own}`);
  if (offered === own) {
    if (set.head.eventId === held.head.eventId) return { take: true };
    return refuse('other_history', `revision ${own} is event ${set.head.eventId} there and ${held.head.eventId} here`);
  }
  if (set.base === null || set.base.revision !== held.head.revision) {
    return refuse('unknown_base', `the set goes on from ${set.base?.revision ?? 'nothing'}, this node holds ${own}`);
  }
  if (set.base.eventId === held.head.eventId) return { take: true };
  return refuse('other_history', `revision ${own} is ${set.base.eventId ? `event ${set.base.eventId}` : 'unknown'} there and event ${held.head.eventId} here`);
}

/** The set that this node works by. It is on disk before anything is done about it, and a refused one changes nothing. */
export class AppliedSet {
  #held: Held | null = null;
  #refusing: AgentStand['refusing'] = null;

  constructor(
    private readonly options: { readonly nodeId: NodeId; readonly disk: Disk; readonly logger: Logger },
  ) {}

  /** Reads what an earlier life left. @throws Error when the file is there but can't be read: better to stop than to forget. */
  async load(): Promise<void> {
    const text = await this.options.disk.read(FILE);
    this.#held = text === null ? null : (JSON.parse(text) as Held);
  }

  /** Takes the set or says why not, in the stand that is returned. Taken: it is durable. Call it for one set at a time.
   *  @throws the disk's error; then the old set still holds. */
  async offer(set: AssignmentSet): Promise<AgentStand> {
    const { nodeId, logger } = this.options;
    const verdict: Verdict = set.nodeId === nodeId ? judgeSet(this.#held, set) : refuse('other_history', `the set is for ${set.nodeId}`);
    if (!verdict.take) {
      if (this.#refusing?.code !== verdict.code) logger.warn('set refused', { code: verdict.code, reason: verdict.message });
      this.#refusing = { code: verdict.code, message: verdict.message };
      return this.stand;
    }
    const next = heldAfter(this.#held, set);
    await this.options.disk.write(FILE, JSON.stringify(next));
    this.#held = next;
    this.#refusing = null;
    return this.stand;
  }

  get stand(): AgentStand {
    return { nodeId: this.options.nodeId, storeId: this.#held?.storeId ?? null, applied: this.#held?.head ?? null, refusing: this.#refusing };
  }

  /** All that this node has to hold; null while it was never told. */
  get entries(): readonly Assignment[] | null {
    return this.#held?.entries ?? null;
  }

  /** What this node was told of volumes. */
  get volumes(): readonly AssignedVolume[] {
    return this.#held?.volumes ?? [];
  }

  find(replicaId: ReplicaId): Assignment | null {
    return this.#held?.entries.find((entry) => entry.replicaId === replicaId) ?? null;
  }

  /** Whether what isn't in the set may be taken away: only by a set that nobody contradicts. */
  get mayClean(): boolean {
    return this.#held !== null && this.#refusing === null;
  }
}

const FILE = 'applied-set.json';

/** An adoption older than this many others is forgotten. */
const ADOPTIONS_KEPT = 200;

const refuse = (code: SetRefusal, message: string): Verdict => ({ take: false, code, message });

function heldAfter(held: Held | null, set: AssignmentSet): Held {
  const seen = held?.adoptions ?? [];
  const adoptions = set.adoption === null || seen.includes(set.adoption) ? seen : [...seen, set.adoption].slice(-ADOPTIONS_KEPT);
  return { storeId: set.storeId, head: set.head, entries: set.entries, ...(set.volumes ? { volumes: set.volumes } : {}), adoptions };
}
