import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { backendsBeside, LoopStorage, readStorage } from '../../apps/node-agent/loop-storage.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;

/** The real thing: needs root and loop devices, as the agent does. */
const here = process.getuid?.() === 0 && existsSync('/dev/loop-control') ? describe : describe.skip;

here('a volume in a file', () => {
  let folder: string;
  let storage: LoopStorage;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill loop-'));
    storage = new LoopStorage(join(folder, 'volumes'), ['local', 'loop', 'tmpfs'], []);
  });
  /** Made or found, of this size. */
  const made = async (sizeBytes: number): Promise<string> => (await storage.ensureLoop({ volumeId: 'vol_a', sizeBytes }))!;
  afterEach(async () => {
    for (const name of await readdir(join(folder, 'volumes')).catch(() => [])) await run('umount', [join(folder, 'volumes', name, 'mount')]).catch(() => undefined);
    expect((await readFile('/proc/self/mountinfo', 'utf8')).includes(folder.replace(' ', '\\040'))).toBe(false);
    await rm(folder, { recursive: true });
  });

  it.each([1, 8, 32, 100, 700])('holds %i MiB to the byte, and not one more', async (mib) => {
    const data = await made(mib * MIB);
    const chunk = Buffer.alloc(MIB, 1);
    await using file = await open(join(data, 'file'), 'w');
    for (let written = 0; written < mib; written += 1) await file.writeFile(chunk);
    await file.sync();
    expect((await file.stat()).size).toBe(mib * MIB);
    await expect(file.writeFile(chunk).then(() => file.sync())).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await storage.usedByLoop('vol_a')).toBeGreaterThanOrEqual(mib * MIB);
    await file.close();
    await storage.removeLoop('vol_a');
  });

  it('is the same one when it is asked for again, also after the host forgot its mounts, and after a crash while it was made', async () => {
    await mkdir(join(folder, 'volumes', 'vol_a'), { recursive: true });
    await writeFile(join(folder, 'volumes', 'vol_a', 'image.new'), 'half of it');
    const data = await made(4 * MIB);
    await writeFile(join(data, 'file'), 'kept');
    expect(await made(4 * MIB)).toBe(data);
    await run('umount', [join(folder, 'volumes', 'vol_a', 'mount')]);
    await expect(readFile(join(data, 'file'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await storage.usedByLoop('vol_a')).toBeNull();
    await made(4 * MIB);
    expect(await readFile(join(data, 'file'), 'utf8')).toBe('kept');
    await storage.removeLoop('vol_a');
    expect(await readdir(join(folder, 'volumes'))).toEqual([]);
    await storage.removeLoop('vol_a');
  });

  it('is there as its file, mounted or not, and while it is mounted, without its file too: no other one is made beside it', async () => {
    const image = join(folder, 'volumes', 'vol_a', 'image');
    expect(await storage.hasLoop('vol_a')).toBe(false);
    const data = await made(4 * MIB);
    await writeFile(join(data, 'file'), 'kept');
    expect(await storage.hasLoop('vol_a')).toBe(true);
    await run('umount', [join(folder, 'volumes', 'vol_a', 'mount')]);
    expect(await storage.hasLoop('vol_a')).toBe(true);
    await made(4 * MIB);
    await rm(image);
    expect(await storage.hasLoop('vol_a')).toBe(true);
    expect(await readFile(join(await made(4 * MIB), 'file'), 'utf8')).toBe('kept');
    expect(existsSync(image)).toBe(false);
    await run('umount', [join(folder, 'volumes', 'vol_a', 'mount')]);
    expect(await storage.hasLoop('vol_a')).toBe(false);
    expect(await storage.ensureLoop({ volumeId: 'vol_a', sizeBytes: 4 * MIB, made: true })).toBeNull();
    expect(existsSync(image)).toBe(false);
    await storage.removeLoop('vol_a');
  });

  it('is not taken away while something has it open', async () => {
    const data = await made(4 * MIB);
    {
      await using _open = await open(join(data, 'file'), 'w');
      await expect(storage.removeLoop('vol_a')).rejects.toThrow(/umount: .*busy/);
    }
    await storage.removeLoop('vol_a');
  });

  it('is nowhere but below the folder', async () => {
    await expect(storage.ensureLoop({ volumeId: 'vol_../../x' as 'vol_x', sizeBytes: MIB })).rejects.toThrow('no id of a volume');
  });
});

describe('what an operator says of storage', () => {
  it('is taken at its word, or refused with the way out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-storage-'));
    try {
      await mkdir(join(folder, 'real'));
      await symlink(join(folder, 'real'), join(folder, 'link'));
      const read = (env: Record<string, string>) => readStorage(env, folder);
      const elsewhere = { engineVersion: '24', architecture: 'amd64', cpus: 1, memoryBytes: 1, hostname: 'h', dataRoot: join(folder, 'nowhere') };
      expect(read({}).backendsWith(elsewhere)).toEqual(['local', 'tmpfs']);
      expect(read({ WAYBILL_VOLUME_BACKENDS: 'local, loop' }).backendsWith(elsewhere)).toEqual(['local', 'loop']);
      await mkdir(join(folder, 'here', 'volumes'), { recursive: true });
      if (process.getuid?.() === 0 && existsSync('/dev/loop-control')) expect(backendsBeside({ dataRoot: join(folder, 'here') })).toContain('loop');
      expect(read({ WAYBILL_HOST_PATHS: `${folder}/link` }).hostPaths).toEqual([join(folder, 'real')]);
      expect(await read({}).realPath(join(folder, 'link'))).toBe(join(folder, 'real'));
      expect(await read({}).realPath(join(folder, 'nothing'))).toBeNull();
      expect(() => read({ WAYBILL_VOLUME_BACKENDS: 'nfs' })).toThrow('WAYBILL_VOLUME_BACKENDS names "nfs"');
      expect(read({ WAYBILL_HOST_PATHS: `prj_shop:${folder}/link` }).hostPaths).toEqual([`prj_shop:${join(folder, 'real')}`]);
      expect(() => read({ WAYBILL_HOST_PATHS: 'prj_shop:/' })).toThrow('WAYBILL_HOST_PATHS names "/"');
      expect(() => read({ WAYBILL_HOST_PATHS: '/' })).toThrow('WAYBILL_HOST_PATHS names "/"');
      expect(() => read({ WAYBILL_HOST_PATHS: `${folder}/nothing` })).toThrow("isn't there");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
