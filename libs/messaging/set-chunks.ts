import { createHash } from 'node:crypto';
import type { AssignmentSet, SetChunk } from '#contracts';

/** Well below the server's 1 MiB, so that a message with its envelope passes the least generous server in use (512 KiB). */
const MAX_BYTES = 384 * 1024;

/** The most bytes that one UTF-16 unit takes in a JSON string: `\u001f`. */
const BYTES_PER_UNIT = 6;

/** What a chunk takes beside its text. */
const FRAME_BYTES = 256;

/** Cuts a set in pieces whose JSON is at most `maxBytes` long. Equal sets give equal chunks, so that two senders of the same
 *  set, or one that repeats itself, only double each other's pieces. */
export function chunkSet(set: AssignmentSet, maxBytes = MAX_BYTES): SetChunk[] {
  const text = JSON.stringify(set);
  const setId = createHash('sha256').update(text).digest('base64url');
  const units = Math.max(1, Math.floor((maxBytes - FRAME_BYTES) / BYTES_PER_UNIT));
  const of = Math.max(1, Math.ceil(text.length / units));
  return Array.from({ length: of }, (_, index) => ({ setId, index, of, text: text.slice(index * units, (index + 1) * units) }));
}

/** Sets that are under way at once: more senders than that make each other start anew, never anything wrong. */
const UNFINISHED = 4;

/** Puts sets together again. Chunks may come doubled, reordered and mixed with those of other sets; a set whose rest never
 *  comes is forgotten when newer ones come along. */
export class SetAssembler {
  /** By set id, in the order of their last chunk. */
  readonly #unfinished = new Map<string, Map<number, string>>();
  /** What came last; it is given again for its last chunk, so that whoever sends in order always gets an answer at the end,
   *  even when another sender of the same set was a chunk ahead. */
  #whole: { readonly setId: string; readonly set: AssignmentSet } | null = null;

  /** @returns the set that this chunk makes whole, else null. A set that is sent again is given again.
   *  @throws SyntaxError when the pieces make no JSON: whoever sent them is broken. */
  take(chunk: SetChunk): AssignmentSet | null {
    if (!Number.isInteger(chunk.index) || chunk.index < 0 || chunk.index >= chunk.of) return null;
    if (this.#whole?.setId === chunk.setId) return chunk.index === chunk.of - 1 ? this.#whole.set : null;
    const pieces = this.#unfinished.get(chunk.setId) ?? new Map<number, string>();
    pieces.set(chunk.index, chunk.text);
    this.#unfinished.delete(chunk.setId);
    if (pieces.size < chunk.of) {
      this.#keep(chunk.setId, pieces);
      return null;
    }
    const text = Array.from({ length: chunk.of }, (_, index) => pieces.get(index)).join('');
    this.#whole = { setId: chunk.setId, set: JSON.parse(text) as AssignmentSet };
    return this.#whole.set;
  }

  #keep(setId: string, pieces: Map<number, string>): void {
    this.#unfinished.set(setId, pieces);
    const [oldest] = this.#unfinished.keys();
    if (this.#unfinished.size > UNFINISHED && oldest !== undefined) this.#unfinished.delete(oldest);
  }
}
