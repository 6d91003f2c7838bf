import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, FILE_ROOTS } from '#docker';
import type { ReplicaId, Sensitive } from '#domain';

/** A file that a container is to see; `name` relative to its replica's folder. */
export interface HostFile {
  readonly name: string;
  readonly content: Sensitive<Buffer>;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Files that agents give to containers, in the host's memory and never on its disk: a reboot takes them. */
export interface HostFiles {
  /** The folder of a replica's files. @throws EngineError `value_refused` where this host has no place for them. */
  folderOf(replicaId: ReplicaId): Promise<string>;
  /** Whether a replica has all of its files. */
  has(replicaId: ReplicaId): Promise<boolean>;
  /** All of a replica's files, or none. @throws EngineError as `folderOf`, and `value_unavailable` where they can't be written now */
  put(replicaId: ReplicaId, files: readonly HostFile[]): Promise<void>;
  /** The values of the secrets among them; none when gone. */
  secretsOf(replicaId: ReplicaId): Promise<readonly string[]>;
  /** Silent when gone. */
  remove(replicaId: ReplicaId): Promise<void>;
  /** The replicas that have files here. */
  list(): Promise<readonly ReplicaId[]>;
}

/** https://man7.org/linux/man-pages/man2/statfs.2.html: TMPFS_MAGIC, RAMFS_MAGIC. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Under the first of `FILE_ROOTS` that is in memory: `<root>/<installation>/<replica>/`, all of it closed to other users of the host. The engine
 *  binds single folders and files of it into containers. */
export class TmpfsFiles implements HostFiles {
  #root: Promise<string> | null = null;

  constructor(private readonly installation: string) {}

  async folderOf(replicaId: ReplicaId): Promise<string> {
    return join(await this.#ownFolder(), replicaId);
  }

  async has(replicaId: ReplicaId): Promise<boolean> {
    return exists(await this.folderOf(replicaId));
  }

  async put(replicaId: ReplicaId, files: readonly HostFile[]): Promise<void> {
    const folder = await this.folderOf(replicaId);
    const fresh = `${folder}.new`;
    try {
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { recursive: true, mode: 0o700 });
      for (const file of files) await write(fresh, file);
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    } catch (error) {
      throw new EngineError('value_unavailable', true, `its files could not be put into this host's memory: ${(error as Error).message}`, { cause: error });
    }
  }

  async secretsOf(replicaId: ReplicaId): Promise<readonly string[]> {
    const own = await this.#ownFolder().catch(() => null);
    if (own === null) return [];
    const folder = join(own, replicaId, 'secrets');
    const names = await readdir(folder).catch(() => []);
    return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  }

  async remove(replicaId: ReplicaId): Promise<void> {
    const own = await this.#ownFolder().catch(() => null);
    if (own === null) return;
    for (const folder of [join(own, replicaId), join(own, `${replicaId}.new`)]) await rm(folder, { recursive: true, force: true });
    // The last one leaves nothing behind.
    await rmdir(own).catch(() => undefined);
  }

  async list(): Promise<readonly ReplicaId[]> {
    const own = await this.#ownFolder().catch(() => null);
    const names = own === null ? [] : await readdir(own).catch(() => []);
    return [...new Set(names.map((name) => name.replace(/\.new$/, '') as ReplicaId))];
  }

  #ownFolder(): Promise<string> {
    this.#root ??= rootInMemory();
    return this.#root.then((root) => join(root, this.installation));
  }
}

/** @throws EngineError `value_refused` */
async function rootInMemory(): Promise<string> {
  for (const root of FILE_ROOTS) {
    const { type } = await statfs((await exists(root)) ? root : dirname(root)).catch(() => ({ type: 0 }));
    if (!IN_MEMORY.has(type)) continue;
    await mkdir(root, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
    const found = await lstat(root);
    // /dev/shm is everybody's: what somebody else has made there is no place for secrets.
    if (found.isDirectory() && found.uid === process.getuid?.()) return chmod(root, 0o700).then(() => root);
  }
  throw new EngineError('value_refused', false, `files are given from a tmpfs only, and of ${FILE_ROOTS.join(', ')} none is one of this agent's own: mount one there, or give the secret as env`);
}

async function write(folder: string, { name, content, mode, uid, gid }: HostFile): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, content.reveal(), { mode: 0o600, flag: 'wx' });
  await chown(path, uid, gid);
  await chmod(path, mode);
}

const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false);
