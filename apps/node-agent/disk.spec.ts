import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderDisk, type Disk } from './disk.ts';
import { MemoryDisk } from './memory-disk.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'waybill-disk-'))));
afterAll(() => rm(folder, { recursive: true }));

describe.each<[string, () => Disk]>([
  ['a folder', () => new FolderDisk(join(folder, 'not', 'there', 'yet'))],
  ['a folder in memory', () => new MemoryDisk({ now: () => 1 })],
])('%s', (_name, open) => {
  it('holds what is written, whole, grown and renamed', async () => {
    const disk = open();
    expect(await disk.read('a/b.json')).toBeNull();
    expect(await disk.list('a')).toEqual([]);
    await disk.append('a/b.log', 'one\n');
    await disk.append('a/b.log', 'two\n', { durable: true });
    await disk.write('a/b.json', 'long text');
    await disk.write('a/b.json', 'short');
    expect(await disk.read('a/b.json')).toBe('short');
    await disk.rename('a/b.log', 'a/c.log');
    expect(await disk.read('a/b.log')).toBeNull();
    expect((await disk.list('a')).map(({ name, bytes }) => `${name} ${bytes}`).sort()).toEqual(['b.json 5', 'c.log 8']);
    await disk.remove('a/c.log');
    await disk.remove('a/c.log');
    expect(await disk.read('a/c.log')).toBeNull();
    await expect(disk.rename('a/c.log', 'a/d.log')).rejects.toThrow('ENOENT');
  });
});
