import type { ReplicaId } from '#domain';
import type { Disk } from './disk.ts';

/** Of each replica so many segments are kept: 64 MiB together. */
const SEGMENTS = 16;
const SEGMENT_BYTES = 4 * 1024 * 1024;

/** Kept of replicas that this node holds no longer; what is older goes first. */
const KEPT_REPLICAS = 200;
const KEPT_BYTES = 2 * 1024 ** 3;
const KEPT_MS = 7 * 24 * 3_600_000;

const FOLDER = 'output';
const NAME = /^(rep_[a-z0-9]+)\.(\d+)\.jsonl$/;
const pathOf = (replicaId: ReplicaId, seq: number): string => `${FOLDER}/${replicaId}.${seq}.jsonl`;

/** A file of a replica's output. */
export interface Segment {
  /** Counts the segments of a replica, from 1, for ever. */
  readonly seq: number;
  readonly bytes: number;
}

/** The files that all output is kept in: each replica's is one long text, cut in segments of which the oldest fall away. This
 *  process is the only one that writes them, so that what is there is known without asking the disk. */
export class Segments {
  readonly #known = new Map<ReplicaId, Segment[]>();
  readonly #waiting = new Map<ReplicaId, Set<() => void>>();
  #loaded: Promise<void> | null = null;

  constructor(private readonly disk: Disk) {}

  /** What is kept of a replica, the oldest first; none of what was never here. */
  async of(replicaId: ReplicaId): Promise<readonly Segment[]> {
    await (this.#loaded ??= this.#load());
    return this.#known.get(replicaId) ?? [];
  }

  /** A piece of one segment; null when it has fallen meanwhile. */
  read(replicaId: ReplicaId, seq: number, from: number, length: number): Promise<Buffer | null> {
    return this.disk.readBytes(pathOf(replicaId, seq), from, length);
  }

  /** The newest segment's text, its torn last line ended: what comes next must not be glued to it. null: there is none. */
  async openNewest(replicaId: ReplicaId): Promise<string | null> {
    const newest = (await this.of(replicaId)).at(-1);
    if (!newest) return null;
    const text = (await this.disk.read(pathOf(replicaId, newest.seq))) ?? '';
    const torn = text !== '' && !text.endsWith('\n');
    if (torn) await this.disk.append(pathOf(replicaId, newest.seq), '\n');
    this.#replaceNewest(replicaId, { seq: newest.seq, bytes: Buffer.byteLength(text) + (torn ? 1 : 0) });
    return text;
  }

  /** Adds whole lines, in a new segment that begins with `head()` where the newest one is full. @throws the disk's error */
  async append(replicaId: ReplicaId, text: string, head: () => string): Promise<void> {
    const newest = (await this.of(replicaId)).at(-1);
    const bytes = Buffer.byteLength(text);
    if (newest && newest.bytes + bytes <= SEGMENT_BYTES) {
      await this.disk.append(pathOf(replicaId, newest.seq), text);
      this.#replaceNewest(replicaId, { seq: newest.seq, bytes: newest.bytes + bytes });
    } else {
      const whole = head() + text;
      const seq = (newest?.seq ?? 0) + 1;
      // Half of one would be in the way of the next attempt.
      await this.disk.append(pathOf(replicaId, seq), whole).catch(async (error: unknown) => {
        await this.disk.remove(pathOf(replicaId, seq));
        throw error;
      });
      this.#known.set(replicaId, [...(this.#known.get(replicaId) ?? []), { seq, bytes: Buffer.byteLength(whole) }]);
      await this.#dropOldest(replicaId);
    }
    for (const wake of this.#waiting.get(replicaId) ?? []) wake();
  }

  /** Calls back at each append to a replica's output. @returns a function that ends it. */
  onAppend(replicaId: ReplicaId, callback: () => void): () => void {
    const callbacks = this.#waiting.get(replicaId) ?? new Set();
    this.#waiting.set(replicaId, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0) this.#waiting.delete(replicaId);
    };
  }

  /** Deletes what is kept of replicas that this node holds no longer, beyond 200 of them, 2 GiB or 7 days. */
  async prune(now: number, isHeld: (replicaId: ReplicaId) => boolean): Promise<void> {
    const changed = new Map<ReplicaId, number>();
    for (const { name, changedAt } of await this.disk.list(FOLDER)) {
      const replicaId = NAME.exec(name)?.[1] as ReplicaId | undefined;
      if (replicaId) changed.set(replicaId, Math.max(changed.get(replicaId) ?? 0, changedAt));
    }
    let [replicas, bytes] = [0, 0];
    for (const [replicaId, changedAt] of [...changed].sort(([, a], [, b]) => b - a)) {
      if (isHeld(replicaId)) continue;
      const segments = await this.of(replicaId);
      replicas += 1;
      bytes += segments.reduce((sum, segment) => sum + segment.bytes, 0);
      if (changedAt > now - KEPT_MS && replicas <= KEPT_REPLICAS && bytes <= KEPT_BYTES) continue;
      for (const { seq } of segments) await this.disk.remove(pathOf(replicaId, seq));
      this.#known.delete(replicaId);
    }
  }

  /** What is no segment was written by an earlier build: the engine still has the newest of it. */
  async #load(): Promise<void> {
    const found = (await this.disk.list(FOLDER)).map((file) => ({ ...file, parts: NAME.exec(file.name) }));
    for (const { name, bytes, parts } of found) {
      if (!parts) await this.disk.remove(`${FOLDER}/${name}`);
      else this.#known.set(parts[1] as ReplicaId, [...(this.#known.get(parts[1] as ReplicaId) ?? []), { seq: Number(parts[2]), bytes }]);
    }
    for (const segments of this.#known.values()) segments.sort((a, b) => a.seq - b.seq);
  }

  async #dropOldest(replicaId: ReplicaId): Promise<void> {
    const segments = this.#known.get(replicaId) ?? [];
    this.#known.set(replicaId, segments.slice(-SEGMENTS));
    for (const { seq } of segments.slice(0, -SEGMENTS)) await this.disk.remove(pathOf(replicaId, seq));
  }

  #replaceNewest(replicaId: ReplicaId, segment: Segment): void {
    this.#known.set(replicaId, [...(this.#known.get(replicaId) ?? []).slice(0, -1), segment]);
  }
}
