import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineInfo } from '#docker';
import type { StorageBackend, VolumeId } from '#domain';
import type { Storage } from './storage.ts';

const run = promisify(execFile);
const SYSTEM_PATHS = '/usr/sbin:/sbin:/usr/bin:/bin';
const COMMAND_MS = 120_000;
/** A folder of millions of files takes longer than anybody waits for a figure. */
const LOOK_MS = 20_000;

/** ext4's own; the kernel counts in these. */
const BLOCK = 4096;
/** Blocks for what the kernel may need to find a file's pieces, so that the data itself has all of the size. */
const SLACK_BLOCKS = 8;
/** Until the file holds the size and what the file system takes for itself, which grows with the file. */
const FITTINGS = 8;
/** What is left over of a first guess is taken back, so that the size is a limit too. */
const SURPLUS_BLOCKS = 32;

/** Volumes of a fixed size as files with an ext4 in each, `<folder>/vol_…/image` mounted at `…/mount`. Needs root, in the mount namespace of
 *  the engine. The data is in a folder inside of the file system: while that isn't mounted, nobody can take the empty folder for it. */
export class LoopStorage implements Storage {
  constructor(
    private readonly folder: string,
    /** What its operator says that it has; null: what it can. */
    private readonly backends: readonly StorageBackend[] | null,
    readonly hostPaths: readonly string[],
  ) {}

  backendsWith(engine: EngineInfo): readonly StorageBackend[] {
    return this.backends ?? backendsBeside(engine);
  }

  async hasLoop(volumeId: VolumeId): Promise<boolean> {
    const { image, mount } = await this.#paths(volumeId);
    return (await isMounted(mount)) || (await surelyExists(image));
  }

  async ensureLoop({ volumeId, sizeBytes, made }: Parameters<Storage['ensureLoop']>[0]): Promise<string | null> {
    const { own, image, mount } = await this.#paths(volumeId);
    if (made && !(await this.hasLoop(volumeId))) return null;
    await mkdir(own, { recursive: true, mode: 0o700 });
    const isThere = await isMounted(mount);
    // Of a file that somebody has removed the mount has all, until the host is started anew: another one beside it would be taken for it then.
    if (!isThere && !(await exists(image))) await makeImage(image, sizeBytes ?? 0);
    await mkdir(mount, { recursive: true, mode: 0o700 });
    // The loop device goes with the mount: nothing of it is left, however this ends.
    if (!isThere) await command('mount', '-t', 'ext4', '-o', 'loop,nosuid,nodev,discard', image, mount);
    const data = join(mount, 'data');
    await mkdir(data, { recursive: true, mode: 0o755 });
    await this.openUp(data);
    return data;
  }

  async removeLoop(volumeId: VolumeId): Promise<void> {
    const { own, mount } = await this.#paths(volumeId);
    if (await isMounted(mount)) await command('umount', mount);
    await rm(own, { recursive: true, force: true });
  }

  async usedByLoop(volumeId: VolumeId): Promise<number | null> {
    const { mount } = await this.#paths(volumeId);
    if (!(await isMounted(mount))) return null;
    const data = join(mount, 'data');
    return (await exists(data)) ? this.usedIn(data) : null;
  }

  async usedIn(folder: string): Promise<number | null> {
    if (!(await exists(folder))) return null;
    const { stdout } = await run('du', ['-s', '-x', '--block-size=1', folder], { timeout: LOOK_MS, env: { PATH: SYSTEM_PATHS } }).catch(() => ({ stdout: '' }));
    const bytes = Number(/^\d+/.exec(stdout)?.[0]);
    // The folder itself is no data.
    return Number.isNaN(bytes) ? null : Math.max(0, bytes - BLOCK);
  }

  async openUp(folder: string): Promise<void> {
    const facts = await stat(folder).catch(() => null);
    const isNew = facts?.uid === 0 && (facts.mode & 0o7777) === 0o755 && (await readdir(folder)).length === 0;
    if (isNew) await chmod(folder, 0o777);
  }

  async realPath(path: string): Promise<string | null> {
    const real = await realpath(path).catch(() => null);
    return real !== null && (await stat(real)).isDirectory() ? real : null;
  }

  /** As the kernel names them, which looks through links. */
  async #paths(volumeId: VolumeId): Promise<{ own: string; image: string; mount: string }> {
    if (!/^vol_[a-z0-9_]+$/.test(volumeId)) throw new Error(`${volumeId} is no id of a volume`);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const own = join(await realpath(this.folder), volumeId);
    return { own, image: join(own, 'image'), mount: join(own, 'mount') };
  }
}

/** What this host can do, where its operator hasn't said: `loop` takes root, loop devices, the tools, and an engine that sees the same
 *  mounts. An agent in a container of its own, or elsewhere, doesn't see where that one keeps its data. */
export function backendsBeside({ dataRoot }: Pick<EngineInfo, 'dataRoot'>): readonly StorageBackend[] {
  const isHere = existsSync(join(dataRoot, 'volumes'));
  const has = (tool: string): boolean => SYSTEM_PATHS.split(':').some((folder) => existsSync(join(folder, tool)));
  const loop = isHere && process.getuid?.() === 0 && existsSync('/dev/loop-control') && ['mkfs.ext4', 'dumpe2fs', 'mount', 'umount'].every(has);
  return loop ? ['local', 'loop', 'tmpfs'] : ['local', 'tmpfs'];
}

/** Reads `WAYBILL_VOLUME_BACKENDS` (`local,loop,tmpfs`) and `WAYBILL_HOST_PATHS` (`/srv/media,prj_…:/srv/shop`).
 *  @throws Error naming the one that can't be meant */
export function readStorage(env: Readonly<Record<string, string | undefined>>, folder: string): Storage {
  const list = (name: string): string[] => (env[name] ?? '').split(',').map((item) => item.trim()).filter((item) => item !== '');
  const given = list('WAYBILL_VOLUME_BACKENDS');
  const unknown = given.find((backend) => !['local', 'loop', 'tmpfs'].includes(backend));
  if (unknown) throw new Error(`WAYBILL_VOLUME_BACKENDS names "${unknown}": write some of local,loop,tmpfs`);
  const hostPaths = list('WAYBILL_HOST_PATHS').map((entry) => {
    const [, project = '', path = entry] = /^(prj_[a-z0-9_]+:)(.*)$/.exec(entry) ?? [];
    if (!path.startsWith('/') || path === '/') throw new Error(`WAYBILL_HOST_PATHS names "${path}": write absolute folders, and not / itself; with prj_…: before one it is that project's alone`);
    if (!existsSync(path)) throw new Error(`WAYBILL_HOST_PATHS names "${path}", which isn't there: make the folder first`);
    return `${project}${realpathSync(path)}`;
  });
  return new LoopStorage(folder, given.length > 0 ? (given as StorageBackend[]) : null, hostPaths);
}

/** First beside the image, then in its place: a crash leaves none, or the whole. */
async function makeImage(image: string, sizeBytes: number): Promise<void> {
  const fresh = `${image}.new`;
  const wanted = Math.ceil(sizeBytes / BLOCK) + SLACK_BLOCKS;
  let blocks = wanted + 2048;
  for (let fitting = 1; fitting <= FITTINGS; fitting += 1) {
    await rm(fresh, { force: true });
    await using file = await open(fresh, 'w', 0o600);
    await file.truncate(blocks * BLOCK);
    await command('mkfs.ext4', '-q', '-F', '-b', String(BLOCK), '-m', '0', fresh);
    const lacking = wanted - (await usableBlocks(fresh));
    if (lacking <= 0 && (lacking >= -SURPLUS_BLOCKS || fitting === FITTINGS)) {
      await file.sync();
      await rename(fresh, image);
      // Told of as made, it is to be there after a power cut, too.
      await using folder = await open(dirname(image));
      return folder.sync();
    }
    // What the file system takes for itself grows with it, too.
    blocks += lacking > 0 ? Math.ceil(lacking * 1.03) + 1 : lacking;
  }
  throw new Error(`no file system can be made that holds ${sizeBytes} bytes`);
}

/** What is left for data: the kernel keeps back 2%, at most 4096 blocks, for what it can't foresee (Linux, `fs/ext4/super.c`:
 *  `ext4_calculate_resv_clusters`). */
async function usableBlocks(image: string): Promise<number> {
  const { stdout } = await run('dumpe2fs', ['-h', image], { timeout: COMMAND_MS, env: { PATH: SYSTEM_PATHS } });
  const figure = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(stdout)?.[1]);
  return figure('Free blocks') - Math.min(4096, Math.floor(figure('Block count') / 50)) - 1;
}

/** @throws Error with the tool's own words */
async function command(tool: string, ...args: string[]): Promise<void> {
  try {
    await run(tool, args, { timeout: COMMAND_MS, env: { PATH: SYSTEM_PATHS } });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`${tool}: ${(stderr?.trim() || message).split('\n').join(' ')}`, { cause: error });
  }
}

async function isMounted(mount: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === mount);
}

/** Spaces and the like are octal there (proc(5)). */
const unescaped = (path: string): string => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** What can't be looked at may well be there. @throws Error then */
async function surelyExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const exists = (path: string): Promise<boolean> => statfs(path).then(() => true, () => false);
