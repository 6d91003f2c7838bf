import { subjects, type Bus, type Clock, type Logger, type ObservationBatch, type ObservationReply, type Random } from '#contracts';
import { observationWord, type NodeId, type Observation } from '#domain';
import type { Disk } from './disk.ts';
import { retryDelayMs } from './retry-delay.ts';

export type Entry = Observation & { readonly seq: number };

/** What this node has seen and nobody has acknowledged yet, in order. An entry is on disk before anything follows from it, and
 *  stays there until its outcome is durable elsewhere; a crash may say it twice, never lose it. */
export class Journal {
  #pending: Entry[] = [];
  #nextSeq = 1;
  /** Lines in the file; those beyond the pending ones are waste. */
  #lines = 0;
  /** A write failed, perhaps half-way: the next one must not be glued to what it left. */
  #torn = false;
  /** Writers take turns: the file's order is the order of seqs. */
  #turn: Promise<unknown> = Promise.resolve();
  #onGrown: () => void = () => undefined;

  constructor(private readonly disk: Disk) {}

  /** Reads what an earlier life left; a last line that a crash tore is dropped: nothing followed from it. */
  async load(): Promise<void> {
    const text = (await this.disk.read(FILE)) ?? '';
    const pending = new Map<number, Entry>();
    for (const line of text.split('\n')) {
      const record = parse(line);
      if (record === null) continue;
      if ('next' in record) this.#nextSeq = Math.max(this.#nextSeq, record.next);
      else if ('acknowledged' in record) for (const seq of record.acknowledged) pending.delete(seq);
      else {
        pending.set(record.seq, record);
        this.#nextSeq = Math.max(this.#nextSeq, record.seq + 1);
      }
    }
    this.#pending = [...pending.values()];
    await this.#compact();
  }

  /** Takes an observation in; one that says again what the last pending one of its replica says is left out. Durable when it returns. */
  append(observation: Observation): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#pending.findLast((entry) => entry.replicaId === observation.replicaId);
      if (before && sameWord(before, observation)) return;
      const entry: Entry = { ...observation, seq: this.#nextSeq };
      await this.#write(entry);
      this.#nextSeq += 1;
      this.#pending.push(entry);
      this.#onGrown();
    });
  }

  /** The oldest that are pending. */
  pending(limit: number): readonly Entry[] {
    return this.#pending.slice(0, limit);
  }

  /** Their outcome is durable elsewhere; unknown seqs are passed over. */
  acknowledge(seqs: readonly number[]): Promise<void> {
    return this.#inTurn(async () => {
      const done = new Set(seqs);
      const left = this.#pending.filter((entry) => !done.has(entry.seq));
      if (left.length === this.#pending.length) return;
      await this.#write({ acknowledged: seqs });
      this.#pending = left;
      if (this.#lines > this.#pending.length + WASTE_LINES) await this.#compact();
    });
  }

  /** Calls back when there is something to send. */
  onGrown(callback: () => void): void {
    this.#onGrown = callback;
  }

  async #write(record: object): Promise<void> {
    const line = `${this.#torn ? '\n' : ''}${JSON.stringify(record)}\n`;
    this.#torn = true;
    await this.disk.append(FILE, line, { durable: true });
    this.#torn = false;
    this.#lines += 1;
  }

  async #compact(): Promise<void> {
    const records = [{ next: this.#nextSeq }, ...this.#pending];
    await this.disk.write(FILE, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    this.#lines = records.length;
    this.#torn = false;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

const FILE = 'journal.jsonl';
const WASTE_LINES = 1_000;

/** The same run in the same state and health for the same reason, and the reason about the same. */
export const sameWord = (a: Observation, b: Observation): boolean => observationWord(a) === observationWord(b);

function parse(line: string): Entry | { acknowledged: number[] } | { next: number } | null {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return null;
  }
}

const BATCH = 100;
const REQUEST_MS = 10_000;

/** Sends the journal, in order and a batch at a time, for as long as there is something to send and somebody who takes it. */
export class JournalSender {
  #failures = 0;
  #sending: Promise<void> | null = null;
  #cancelRetry: () => void = () => undefined;
  #stopped = false;

  constructor(
    private readonly options: { readonly journal: Journal; readonly nodeId: NodeId; readonly bus: Bus; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  ) {}

  /** Begins to send whatever there is and will be. @returns a function that ends it. */
  start(): () => void {
    const { journal, bus } = this.options;
    journal.onGrown(() => this.#wake());
    const end = bus.onConnect(() => this.#wake());
    this.#wake();
    return () => {
      this.#stopped = true;
      this.#cancelRetry();
      end();
    };
  }

  /** Sends now. @returns whether all that was pending is acknowledged. */
  async flush(): Promise<boolean> {
    this.#wake();
    await this.#sending;
    return this.options.journal.pending(1).length === 0;
  }

  #wake(): void {
    if (this.#stopped) return;
    this.#cancelRetry();
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      if (this.options.journal.pending(1).length > 0) this.#retryLater();
    });
  }

  async #sendAll(): Promise<void> {
    const { journal, nodeId, bus, logger } = this.options;
    for (let batch = journal.pending(BATCH); batch.length > 0 && !this.#stopped; batch = journal.pending(BATCH)) {
      try {
        const request: ObservationBatch = { nodeId, observations: batch };
        const { acknowledged } = await bus.request<ObservationReply>(subjects.observations(nodeId), request, REQUEST_MS);
        await journal.acknowledge(acknowledged);
        if (acknowledged.length < batch.length) return this.#failed();
        this.#failures = 0;
      } catch (error) {
        logger.debug('observations not sent, trying on', { error });
        return this.#failed();
      }
    }
  }

  #failed(): void {
    this.#failures += 1;
  }

  #retryLater(): void {
    if (this.#stopped || this.#failures === 0) return;
    const { clock, random } = this.options;
    // The first retry comes soon: what was left may only wait for a neighbour's append.
    const delay = this.#failures === 1 ? 250 : Math.min(retryDelayMs(this.#failures - 1, random()), 15_000);
    this.#cancelRetry = clock.after(delay, () => this.#wake());
  }
}
