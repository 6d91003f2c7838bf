/** One line of a container's output. `at`: RFC 3339 with nanoseconds, of its first message. */
export interface OutputLine {
  readonly at: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  /** It was longer than is held at once: the stream's next line goes on with it. */
  readonly more?: true;
}

/** Stream type (1 byte), three zeros, length (4 bytes, big endian); then one message of the log.
 *  https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach "Stream format" */
const HEADER = 8;

/** A longer line is given in pieces of this many characters, counted from its beginning: however often it is read, they are the same. */
export const LONGEST_LINE = 64 * 1024;

/** Takes the engine's log apart: bytes in, in any pieces, whole lines out. Each frame is one message of the log and begins
 *  with its time; the engine keeps a line of more than 16 KiB as several messages, of which only the last ends with `\n`. All of
 *  these bear the time of the first. https://github.com/moby/moby/blob/v20.10.24/daemon/logger/copier.go */
export class LogFrames {
  #rest: Buffer = Buffer.alloc(0);
  readonly #begun = new Map<OutputLine['stream'], OutputLine>();

  /** @throws Error when the bytes are no such frames (the container has a terminal). */
  take(bytes: Uint8Array): OutputLine[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const lines: OutputLine[] = [];
    while (this.#rest.length >= HEADER) {
      const type = this.#rest.readUInt8(0);
      if (type > 2) throw new Error(`no frame of a container's log: type ${type}`);
      const end = HEADER + this.#rest.readUInt32BE(4);
      if (this.#rest.length < end) break;
      this.#message(type === 2 ? 'stderr' : 'stdout', this.#rest.toString('utf8', HEADER, end), lines);
      this.#rest = this.#rest.subarray(end);
    }
    return lines;
  }

  /** What was begun and never ended by a `\n`: the last words of a container that is gone. Not for a stream that broke off. */
  end(): OutputLine[] {
    const lines = [...this.#begun.values()].sort((a, b) => (a.at < b.at ? -1 : 1));
    this.#begun.clear();
    return lines;
  }

  #message(stream: OutputLine['stream'], message: string, lines: OutputLine[]): void {
    const space = message.indexOf(' ');
    const before = this.#begun.get(stream);
    const at = before?.at ?? message.slice(0, space);
    const ends = message.endsWith('\n');
    let line = (before?.line ?? '') + message.slice(space + 1).replace(/\r?\n$/, '');
    for (; line.length > LONGEST_LINE; line = line.slice(LONGEST_LINE)) lines.push({ at, stream, line: line.slice(0, LONGEST_LINE), more: true });
    if (!ends) return void this.#begun.set(stream, { at, stream, line });
    this.#begun.delete(stream);
    lines.push({ at, stream, line });
  }
}
