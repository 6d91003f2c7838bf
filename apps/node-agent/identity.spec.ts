import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sensitive } from '#domain';
import { FolderDisk } from './disk.ts';
import { loadIdentity } from './identity.ts';
import { MemoryDisk } from './memory-disk.ts';

it('is made once, and kept where only its owner reads it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-identity-'));
  try {
    const first = await loadIdentity(new FolderDisk(join(folder, 'node')));
    expect(first).toEqual({ nodeId: expect.stringMatching(/^node_[a-z2-7]{26}$/), publicKey: expect.stringMatching(/^U[A-Z2-7]{55}$/), seed: expect.any(Sensitive) });
    expect(await loadIdentity(new FolderDisk(join(folder, 'node')))).toEqual(first);
    const { mode } = await stat(join(folder, 'node/node.seed'));
    expect(mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'node'))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, 'node/node.seed'), 'utf8')).toMatch(/^SU/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('follows from the key alone', async () => {
  const disk = () => new MemoryDisk({ now: () => 0 });
  const key = (byte: number) => () => new Uint8Array(32).fill(byte);
  expect(await loadIdentity(disk(), key(1))).toEqual(await loadIdentity(disk(), key(1)));
  expect((await loadIdentity(disk(), key(1))).nodeId).not.toBe((await loadIdentity(disk(), key(2))).nodeId);
});

it('is not made anew over a damaged one', async () => {
  const disk = new MemoryDisk({ now: () => 0 });
  await disk.write('node.seed', 'SUgarbage\n');
  await expect(loadIdentity(disk)).rejects.toThrow('node.seed can’t be used'.replace('’', "'"));
  expect(await disk.read('node.seed')).toBe('SUgarbage\n');
});
