import type { Clock, LogLine, LogsReply } from '#contracts';
import type { ReplicaId } from '#domain';
import type { Disk } from './disk.ts';

/** All that is kept of one replica's output, in two halves: when the newer is full it becomes the older. */
const CAP_BYTES = 10 * 1024 * 1024;

/** Lines are written together: each of these comes first or last. */
const FLUSH_BYTES = 256 * 1024;
const FLUSH_MS = 100;

/** How far apart the two streams of a container may be written. */
const SLACK_MS = 1_000;

export const OUTPUT_FOLDER = 'output';
const newerOf = (replicaId: ReplicaId): string => `${OUTPUT_FOLDER}/${replicaId}.jsonl`;
const olderOf = (replicaId: ReplicaId): string => `${OUTPUT_FOLDER}/${replicaId}.older.jsonl`;

/** First line of a half before which something fell to the cap. */
const CUT = '{"cut":true}';

/** The last `tail` lines that are kept. */
export async function readOutput(disk: Disk, replicaId: ReplicaId, tail: number): Promise<LogsReply> {
  const [older, newer] = await Promise.all([disk.read(olderOf(replicaId)), disk.read(newerOf(replicaId))]);
  const lines = linesOf(newer);
  const all = lines.length >= tail ? lines : [...linesOf(older), ...lines];
  return { lines: tail > 0 ? all.slice(-tail) : [], cut: [older, newer].some((half) => half?.startsWith(CUT)) };
}

interface StreamEnd {
  /** The time of the last line. */
  readonly at: string;
  /** How many lines bear it. */
  readonly lines: number;
}

/** Writes one replica's output on from where its file ends. One writer at a time. */
export class OutputFile {
  #bytes = 0;
  #buffer: string[] = [];
  #buffered = 0;
  #cancelFlush: (() => void) | null = null;
  #turn: Promise<void> = Promise.resolve();
  readonly #ends = new Map<LogLine['stream'], StreamEnd>();
  /** What the engine will give again, by stream: lines of the very instant that each ended at. */
  readonly #again = new Map<LogLine['stream'], number>();

  private constructor(
    private readonly disk: Disk,
    private readonly clock: Clock,
    private readonly replicaId: ReplicaId,
  ) {}

  static async open(disk: Disk, clock: Clock, replicaId: ReplicaId): Promise<OutputFile> {
    const file = new OutputFile(disk, clock, replicaId);
    const [older, newer] = await Promise.all([disk.read(olderOf(replicaId)), disk.read(newerOf(replicaId))]);
    // A crash may have torn the last line: what comes next must not be glued to it.
    if (newer && !newer.endsWith('\n')) await disk.append(newerOf(replicaId), '\n');
    file.#bytes = Buffer.byteLength(newer ?? '') + 1;
    for (const line of [...linesOf(older), ...linesOf(newer)]) file.#endsWith(line);
    for (const [stream, { lines }] of file.#ends) file.#again.set(stream, lines);
    return file;
  }

  /** From when the engine is to tell (RFC 3339 with nanoseconds; null: from the start). Each stream's own lines are in the
   *  order of their times; the two together needn't be, so that a stream that has said nothing yet may begin a little earlier. */
  get since(): string | null {
    const [first] = [...this.#ends.values()].map(({ at }) => at).sort();
    return first ? new Date(Date.parse(first) - SLACK_MS).toISOString().replace('Z', '000000Z') : null;
  }

  /** Takes a line unless it is in the file already. Waits while more is to be written than may be held. @throws the disk's error */
  async write(line: LogLine): Promise<void> {
    if (this.#isKnown(line)) return;
    this.#endsWith(line);
    const text = `${JSON.stringify(line)}\n`;
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
    if (text !== '') this.#turn = this.#turn.then(() => this.#append(text));
    return this.#turn;
  }

  async #append(text: string): Promise<void> {
    if (this.#bytes + text.length > CAP_BYTES / 2) await this.#turnOver();
    await this.disk.append(newerOf(this.replicaId), text);
    this.#bytes += Buffer.byteLength(text);
  }

  /** The older half falls away, if there is one, and the newer one begins by saying so. */
  async #turnOver(): Promise<void> {
    const falls = (await this.disk.read(olderOf(this.replicaId))) !== null;
    await this.disk.rename(newerOf(this.replicaId), olderOf(this.replicaId));
    if (falls) await this.disk.append(newerOf(this.replicaId), `${CUT}\n`);
    this.#bytes = falls ? CUT.length + 1 : 0;
  }

  #isKnown({ stream, at }: LogLine): boolean {
    const again = this.#again.get(stream) ?? 0;
    const end = this.#ends.get(stream);
    if (again === 0 || end === undefined || at > end.at) {
      this.#again.delete(stream);
      return false;
    }
    if (at === end.at) this.#again.set(stream, again - 1);
    return true;
  }

  #endsWith({ stream, at }: LogLine): void {
    const before = this.#ends.get(stream);
    this.#ends.set(stream, { at, lines: before?.at === at ? before.lines + 1 : 1 });
  }
}

/** Whole lines only; marks and torn ones are passed over. */
function linesOf(text: string | null): LogLine[] {
  if (!text) return [];
  return text.split('\n').flatMap((line) => {
    if (line === '' || line === CUT) return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}
