import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { isHead, type FoundHead } from './head.ts';

/** The heads of an export, one JSON a line. A last line without its end was being written when its writer ended: it isn't one.
 *  @throws Error that names the line for any other that is no head */
export async function* readHeadsFile(file: string): AsyncGenerator<FoundHead> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let number = 0;
  let torn: Error | null = null;
  for await (const line of lines) {
    number += 1;
    if (torn) throw torn;
    const head = parsed(line);
    if (head) yield head;
    else if (line !== '') torn = new NoHead(number, file);
  }
}

/** The heads of exports that somebody may have had a hand on: of each file those before the first line that is none, of which `onFault` is told in a
 *  sentence. @throws what reading throws */
export async function* readableHeads(files: readonly string[], onFault: (fault: string) => void): AsyncGenerator<FoundHead> {
  for (const file of files) {
    try {
      yield* readHeadsFile(file);
    } catch (error) {
      if (!(error instanceof NoHead)) throw error;
      onFault(error.message);
    }
  }
}

class NoHead extends Error {
  constructor(line: number, file: string) {
    super(`line ${line} of ${basename(file)} is no head of an audit chain`);
  }
}

/** Writes the heads of a store to a file that only grows: JSON lines, to be copied to where no hand on the store reaches. */
export class HeadsExport {
  private constructor(
    private readonly handle: FileHandle,
    /** Where the last head that it holds stands in the log. */
    private last: string | null,
  ) {}

  /** Goes on with a file that is there. A last line without its end, left by a crash, is taken out first: its head is told again. */
  static async open(file: string): Promise<HeadsExport> {
    const handle = await open(file, 'a+', 0o600);
    let last: string | null = null;
    let whole = 0;
    let length = 0;
    for await (const line of handle.readLines({ start: 0, autoClose: false })) {
      whole = length;
      length += Buffer.byteLength(line) + 1;
      last = parsed(line)?.headPosition ?? last;
    }
    const { size } = await handle.stat();
    if (size < length) await handle.truncate(whole);
    return new HeadsExport(handle, last);
  }

  /** Writes it down, unless it was before. */
  async add(head: FoundHead): Promise<void> {
    if (this.last !== null && head.headPosition <= this.last) return;
    await this.handle.appendFile(`${JSON.stringify(head)}\n`);
    this.last = head.headPosition;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

function parsed(line: string): FoundHead | null {
  try {
    const value: unknown = JSON.parse(line);
    return isHead(value) ? value : null;
  } catch {
    return null;
  }
}
