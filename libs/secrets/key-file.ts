import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Terminal } from '#contracts';
import { decrypt, encrypt } from './aes.ts';
import type { KeyProvider, WrappedKey } from './port.ts';

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Key-encryption keys in a file: `<id> <32 bytes in base64url>` a line, the present one first; those below it only unwrap. It is read each time,
 *  so that a rotation needs no restart. */
export class KeyFile implements KeyProvider {
  private constructor(private readonly file: string) {}

  /** Makes the file (0600) with a key at the first start; of two that start at once both take the key of the one that came first.
   *  @throws Error when it is there and others may read it, or it holds no key. */
  static async open(file: string): Promise<KeyFile> {
    const keys = new KeyFile(file);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await makeOnce(file);
    await keys.#read();
    return keys;
  }

  /** The file that is there. @throws Error when none is, and as `open`. */
  static async existing(file: string): Promise<KeyFile> {
    if (!(await stat(file).catch(() => null))) throw new Error(`there is no key file at ${file}: set WAYBILL_HOME or WAYBILL_KEY_FILE to those that the platform runs with`);
    return KeyFile.open(file);
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const { id, bytes } = (await this.#read())[0]!;
    return { kek: id, wrapped: encrypt(bytes, dataKey, `${context}|${id}`) };
  }

  async unwrap({ kek, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    const key = (await this.#read()).find(({ id }) => id === kek);
    if (!key) throw new Terminal('value.key_unknown', 'system', `it was encrypted under the key ${kek}, which isn't in ${this.file}: put the line that begins with it back there, from a copy, below those that it has now`);
    const dataKey = decrypt(key.bytes, wrapped, `${context}|${kek}`);
    if (!dataKey) throw new Terminal('value.key_wrong', 'system', `the key ${kek} in ${this.file} doesn't open it: it is another key than the one it was encrypted under, or what is kept belongs to another version`);
    return dataKey;
  }

  async current(): Promise<string> {
    return (await this.#read())[0]!.id;
  }

  /** A new present key; those before it stay for what they wrapped. @returns its id. @throws Error while another rotation writes the file. */
  async rotate(): Promise<string> {
    const fresh = newKey();
    await this.#replace((keys) => [fresh, ...keys]);
    return fresh.id;
  }

  /** Takes out what wraps nothing any more, but for the present key and the one before it: a process may have begun to wrap by that one just
   *  before the rotation. @param inUse the keys that something is wrapped by. @returns the ids of what was taken out. @throws as `rotate` */
  async drop(inUse: readonly string[]): Promise<readonly string[]> {
    let dropped: readonly Key[] = [];
    await this.#replace((keys) => {
      dropped = keys.filter(({ id }, age) => age > 1 && !inUse.includes(id));
      return keys.filter((key) => !dropped.includes(key));
    });
    return dropped.map(({ id }) => id);
  }

  /** Written beside it and renamed onto it: a crash leaves the old file or the new one. Whoever reads what another is about to replace would take a key
   *  away that something is wrapped by already: so one at a time. */
  async #replace(change: (keys: readonly Key[]) => readonly Key[]): Promise<void> {
    const fresh = `${this.file}.new`;
    await using handle = await open(fresh, 'wx', 0o600).catch(refuseSecond(fresh));
    try {
      await writeLike(this.file, handle, change(await this.#read()));
      await rename(fresh, this.file);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
    await syncFolder(this.file);
  }

  async #read(): Promise<readonly Key[]> {
    const { mode } = await stat(this.file);
    if ((mode & 0o077) !== 0) throw new Error(`${this.file} has mode ${(mode & 0o777).toString(8)}: others must not read it; chmod 600 it`);
    const lines = (await readFile(this.file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    const keys = lines.map((line, index) => {
      const match = /^(kek_[a-z0-9]+) ([A-Za-z0-9_-]{43})$/.exec(line.trim());
      if (!match) throw new Error(`line ${index + 1} of ${this.file} is no key: restore the file from a copy`);
      return { id: match[1]!, bytes: Buffer.from(match[2]!, 'base64url') };
    });
    if (keys.length === 0) throw new Error(`${this.file} holds no key: restore it from a copy, or remove it to begin with an empty store of values`);
    return keys;
  }
}

const newKey = (): Key => ({ id: `kek_${randomBytes(6).toString('hex')}`, bytes: randomBytes(32) });

const lineOf = ({ id, bytes }: Key): string => `${id} ${bytes.toString('base64url')}\n`;

const refuseSecond = (fresh: string) => (error: NodeJS.ErrnoException): never => {
  if (error.code !== 'EEXIST') throw error;
  throw new Error(`${fresh} is there: another rotation writes the file just now. Where none runs, one was stopped in the middle: remove ${fresh} and rotate again`);
};

/** On the disk, and its owner's who has the file now: root may rotate what an account of its own reads. */
async function writeLike(file: string, handle: FileHandle, keys: readonly Key[]): Promise<void> {
  const { uid, gid } = await stat(file);
  if (process.getuid?.() === 0) await handle.chown(uid, gid);
  await handle.writeFile(keys.map(lineOf).join(''));
  await handle.sync();
}

/** So that a name in it outlives the machine's loss of power: what is wrapped by a key reaches the disk after the key. */
async function syncFolder(file: string): Promise<void> {
  await using folder = await open(dirname(file));
  await folder.sync();
}

/** Whoever comes second leaves the first one's key standing, and never sees half of it. */
async function makeOnce(file: string): Promise<void> {
  if (await stat(file).catch(() => null)) return;
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  {
    await using handle = await open(fresh, 'wx', 0o600);
    await handle.writeFile(lineOf(newKey()));
    await handle.sync();
  }
  try {
    await link(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  await syncFolder(file);
}
