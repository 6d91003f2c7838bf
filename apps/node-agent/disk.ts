import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The agent's own folder, by relative names. In memory where time is virtual. */
export interface Disk {
  /** null when there is no such file. */
  read(name: string): Promise<string | null>;
  /** Up to `length` bytes from `from` on, fewer where the file ends; null when there is no such file. */
  readBytes(name: string, from: number, length: number): Promise<Buffer | null>;
  /** Replaces the file whole: after a crash it is the old or the new one. Durable when it returns. */
  write(name: string, text: string, mode?: number): Promise<void>;
  /** Adds to the end. A crash may leave the last piece torn; `durable` waits until it is on the medium. */
  append(name: string, text: string, options?: { durable?: boolean }): Promise<void>;
  /** Silent when gone. */
  remove(name: string): Promise<void>;
  /** Replaces `to` when it is there. */
  rename(from: string, to: string): Promise<void>;
  /** The files of a folder, with their sizes and times of change (ms since the epoch); none when there is no such folder. */
  list(folder: string): Promise<readonly { readonly name: string; readonly bytes: number; readonly changedAt: number }[]>;
}

/** A folder of the host's file system, made (0700) at the first write. */
export class FolderDisk implements Disk {
  constructor(private readonly folder: string) {}

  async read(name: string): Promise<string | null> {
    return readFile(this.#path(name), 'utf8').catch(absent(null));
  }

  async readBytes(name: string, from: number, length: number): Promise<Buffer | null> {
    const file = await open(this.#path(name), 'r').catch(absent(null));
    if (file === null) return null;
    await using _closed = file;
    const buffer = Buffer.allocUnsafe(length);
    let read = 0;
    for (let more = 1; read < length && more > 0; read += more) more = (await file.read(buffer, read, length - read, from + read)).bytesRead;
    return buffer.subarray(0, read);
  }

  async write(name: string, text: string, mode = 0o600): Promise<void> {
    const path = this.#path(name);
    const fresh = `${path}.new`;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(fresh, 'w', mode);
    await file.writeFile(text);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
  }

  async append(name: string, text: string, options?: { durable?: boolean }): Promise<void> {
    const path = this.#path(name);
    if (!options?.durable) return appendFile(path, text, { mode: 0o600 }).catch(() => this.#appendInNewFolder(path, text));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(path, 'a', 0o600);
    await file.appendFile(text);
    await file.sync();
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.#path(from), this.#path(to));
  }

  async list(folder: string): ReturnType<Disk['list']> {
    const names = await readdir(this.#path(folder)).catch(absent<string[]>([]));
    const found = await Promise.all(
      names.map(async (name) => {
        const facts = await stat(join(this.#path(folder), name)).catch(absent(null));
        return facts?.isFile() ? [{ name, bytes: facts.size, changedAt: facts.mtimeMs }] : [];
      }),
    );
    return found.flat();
  }

  async #appendInNewFolder(path: string, text: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await appendFile(path, text, { mode: 0o600 });
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}

const absent =
  <T>(instead: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return instead;
    throw error;
  };

/** A rename is durable only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
