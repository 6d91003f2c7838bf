import { subjects, Transient, type Bus, type LogLine, type LogsReply, type LogsRequest, type LogsTailReply, type LogsTailRequest, type OutputCursor, type OutputFilter } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';

/** What is looked at of a replica. `final`: no container of it will ever run again. */
export interface ReadReplica {
  readonly replica_id: ReplicaId;
  readonly node_id: NodeId | null;
  readonly slot: number;
  readonly generation: number;
  readonly final: boolean;
}

const ANSWER_MS = 3_000;

/** One replica's output, page after page from the agent that keeps it. Holds one page at most. */
export class ReplicaReader {
  /** Behind the last line that was taken. */
  after: OutputCursor | null = null;
  /** Why its node didn't answer the last time; null while it does. */
  trouble: string | null = null;
  failures = 0;
  /** Lines that were asked for fell to the agent's cap. */
  cut = false;
  /** Everything that is written was given. */
  atEnd = false;
  #page: LogsReply['lines'] = [];
  #taken = 0;
  #next: OutputCursor | null = null;
  /** It begins with so many of its last lines, which its node didn't tell yet; null: where `after` says. */
  #beginsWithLast: number | null = null;

  constructor(
    private readonly bus: Bus,
    public replica: ReadReplica,
  ) {}

  /** Goes on behind a place; null: from the oldest line that is kept. */
  beginAfter(place: OutputCursor | null): void {
    this.after = this.#next = place;
  }

  /** Goes on with its last lines, as soon as its node says where those begin. */
  beginWithLast(lines: number): void {
    this.#beginsWithLast = lines;
  }

  /** The next line; null: there is none at hand. */
  get head(): LogsReply['lines'][number] | null {
    return this.#page[this.#taken] ?? null;
  }

  /** Takes `head` away. */
  take(): void {
    this.after = this.head?.after ?? this.after;
    this.#taken += 1;
    if (this.head === null) this.after = this.#next ?? this.after;
  }

  /** Fetches the next page, when the one before was taken. Never throws for a node that doesn't answer: `trouble` says why. */
  async pull(filter: OutputFilter, maxBytes: number, waitMs: number): Promise<void> {
    const { replica_id: replicaId, node_id } = this.replica;
    // Nothing was written before it has a node.
    if (node_id === null) return void (this.atEnd = true);
    if (this.#beginsWithLast !== null && !(await this.#beginWithLast(filter, this.#beginsWithLast))) return;
    const request: LogsRequest = { ...filter, replicaId, after: this.#next, maxBytes, waitMs };
    const page = await this.#ask<LogsReply>(subjects.logs(node_id), request, waitMs + ANSWER_MS);
    if (!page) return;
    this.#page = page.lines;
    this.#taken = 0;
    this.#next = page.next ?? this.#next;
    this.atEnd = page.end;
    this.cut ||= page.cut;
    if (page.lines.length === 0) this.after = this.#next;
  }

  /** Where its last lines begin, going backwards from a place. null: its node doesn't answer. */
  tail(filter: OutputFilter, before: OutputCursor | null, limit: number): Promise<LogsTailReply | null> {
    const { replica_id: replicaId, node_id } = this.replica;
    if (node_id === null) return Promise.resolve({ lines: [], next: null, end: null, cut: false });
    const request: LogsTailRequest = { ...filter, replicaId, before, limit };
    return this.#ask<LogsTailReply>(subjects.logsTail(node_id), request, ANSWER_MS);
  }

  async #beginWithLast(filter: OutputFilter, lines: number): Promise<boolean> {
    const tail = await this.tail(filter, null, lines);
    if (!tail) return false;
    this.#beginsWithLast = null;
    this.beginAfter(tail.lines.at(-1)?.before ?? tail.end);
    return true;
  }

  async #ask<Reply>(subject: string, request: object, timeoutMs: number): Promise<Reply | null> {
    try {
      const reply = await this.bus.request<Reply>(subject, request, timeoutMs);
      this.trouble = null;
      this.failures = 0;
      return reply;
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      this.trouble = error.message;
      this.failures += 1;
      return null;
    }
  }
}

/** A line as it is answered. */
export interface LogLineAnswer {
  readonly at: string;
  readonly stream: LogLine['stream'];
  readonly replica_id: ReplicaId;
  readonly run: number;
  readonly line: string;
  /** The line was longer than is kept in one piece: the replica's next one on this stream goes on with it. */
  readonly more?: true;
}

/** @param replicaId whose it is */
export const lineAnswer = (replicaId: ReplicaId, { at, stream, run, line, more }: LogLine): LogLineAnswer => ({ at, stream, replica_id: replicaId, run, line, ...(more ? { more } : {}) });
