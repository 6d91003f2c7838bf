/** One line of a container's output. `at`: RFC 3339 with nanoseconds, of its first piece. */
export interface OutputLine {
  readonly at: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** Stream type (1 byte), three zeros, length (4 bytes, big endian); then one message of the log.
 *  https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach "Stream format" */
const HEADER = 8;

/** Takes the engine's log apart: bytes in, in any pieces, whole lines out. Each frame is one message of the log and begins
 *  with its time; the engine keeps a line of more than 16 KiB as several messages, of which only the last ends with `\n`. */
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
      const line = this.#message(type === 2 ? 'stderr' : 'stdout', this.#rest.toString('utf8', HEADER, end));
      if (line) lines.push(line);
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

  #message(stream: OutputLine['stream'], message: string): OutputLine | null {
    const space = message.indexOf(' ');
    const [at, text] = [message.slice(0, space), message.slice(space + 1)];
    const before = this.#begun.get(stream);
    const whole: OutputLine = { at: before?.at ?? at, stream, line: (before?.line ?? '') + text.replace(/\r?\n$/, '') };
    if (!text.endsWith('\n')) {
      this.#begun.set(stream, whole);
      return null;
    }
    this.#begun.delete(stream);
    return whole;
  }
}
