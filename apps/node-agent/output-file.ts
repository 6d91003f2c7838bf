import type { Clock, LogLine } from '#contracts';
import type { ReplicaId } from '#domain';
import { headOf, isHead, lineIn, recordOf, type StreamEnds } from './output-record.ts';
import type { Segments } from './output-segments.ts';

/** Lines are written together: each of these comes first or last. */
const FLUSH_BYTES = 256 * 1024;
const FLUSH_MS = 100;

/** How far apart the two streams of a container may be written. */
const SLACK_MS = 1_000;

/** Writes one replica's output on from where it ends. One writer at a time. */
export class OutputFile {
  /** Lines that were new. */
  taken = 0;
  #buffer: string[] = [];
  #buffered = 0;
  #cancelFlush: (() => void) | null = null;
  #turn: Promise<void> = Promise.resolve();
  readonly #ends: StreamEnds = {};
  /** Ends of what is written, without what is buffered still: a new segment begins with them. */
  #written: StreamEnds = {};
  /** The text of each stream's last line; absent where that one goes on. */
  readonly #last = new Map<LogLine['stream'], string>();
  /** What the engine will give again, by stream: lines of the very instant that each ended at. */
  readonly #again = new Map<LogLine['stream'], number>();

  private constructor(
    private readonly segments: Segments,
    private readonly clock: Clock,
    private readonly replicaId: ReplicaId,
  ) {}

  static async open(segments: Segments, clock: Clock, replicaId: ReplicaId): Promise<OutputFile> {
    const file = new OutputFile(segments, clock, replicaId);
    for (const text of ((await segments.openNewest(replicaId)) ?? '').split('\n')) {
      if (isHead(text)) Object.assign(file.#ends, headOf(text));
      else {
        const line = lineIn(text);
        if (line) file.#endsWith(line);
      }
    }
    file.#written = { ...file.#ends };
    for (const stream of STREAMS) file.#giveAgain(stream);
    return file;
  }

  /** From when the engine is to tell (RFC 3339 with nanoseconds; null: from the start). Each stream's own lines are in the
   *  order of their times; the two together needn't be, so that a stream that has said nothing yet may begin a little earlier. */
  get since(): string | null {
    const [first] = STREAMS.flatMap((stream) => this.#ends[stream]?.at ?? []).sort();
    return first ? new Date(Date.parse(first) - SLACK_MS).toISOString().replace('Z', '000000Z') : null;
  }

  /** Takes a line unless it is in the file already. Waits while more is to be written than may be held. @throws the disk's error */
  async write(line: LogLine): Promise<void> {
    if (this.#isKnown(line)) return;
    this.taken += 1;
    if (line.more) this.#last.delete(line.stream);
    else this.#last.set(line.stream, line.line);
    this.#endsWith(line);
    const text = recordOf(line);
    this.#buffer.push(text);
    this.#buffered += text.length;
    if (this.#buffered >= FLUSH_BYTES) return this.flush();
    this.#cancelFlush ??= this.clock.after(FLUSH_MS, () => void this.flush().catch(() => undefined));
  }

  /** All lines taken so far are in the file when it returns. @throws the disk's error, of an earlier write too: open anew then. */
  flush(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    const text = this.#buffer.join('');
    this.#buffer = [];
    this.#buffered = 0;
    if (text === '') return this.#turn;
    const ends = { ...this.#ends };
    this.#turn = this.#turn.then(async () => {
      await this.segments.append(this.replicaId, text, () => recordOf(this.#written));
      this.#written = ends;
    });
    return this.#turn;
  }

  #isKnown({ stream, at, line }: LogLine): boolean {
    const end = this.#ends[stream];
    if (end === undefined || at > end.at) {
      this.#again.delete(stream);
      return false;
    }
    // Engines that rotate a log while they are read have been seen to begin it anew. A clock that was set back looks like that, too,
    // but the end then lies in the future.
    if (at < end.at && !this.#again.has(stream) && Date.parse(end.at) <= this.clock.now()) this.#giveAgain(stream);
    const again = this.#again.get(stream);
    // No two lines of a stream are written at the same nanosecond; pieces of one line bear the same time.
    if (again === undefined) return at === end.at && this.#last.get(stream) === line;
    if (at === end.at && again === 1) this.#again.delete(stream);
    else if (at === end.at) this.#again.set(stream, again - 1);
    return true;
  }

  #giveAgain(stream: LogLine['stream']): void {
    const lines = this.#ends[stream]?.lines;
    if (lines !== undefined) this.#again.set(stream, lines);
  }

  #endsWith({ stream, at }: LogLine): void {
    const before = this.#ends[stream];
    this.#ends[stream] = { at, lines: before?.at === at ? before.lines + 1 : 1 };
  }
}

const STREAMS = ['stdout', 'stderr'] as const;
