import { readFile, stat } from 'node:fs/promises';
import { Sensitive } from '#domain';
import { TmpfsFiles, type HostFile } from './host-files.ts';

const file = (name: string, over: Partial<HostFile> = {}): HostFile => ({ name, content: new Sensitive(Buffer.from(`of ${name}`)), mode: 0o444, uid: 0, gid: 0, ...over });
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('files on the host', () => {
  const files = new TmpfsFiles(`spec${process.pid}`);
  afterEach(async () => {
    for (const replicaId of await files.list()) await files.remove(replicaId);
  });

  it('are in memory, closed to others of the host, and as open inside of the container as they were asked for', async () => {
    expect(await files.has('rep_a')).toBe(false);
    await files.put('rep_a', [file('secrets/PASS'), file('configs/0', { mode: 0o640, uid: 33, gid: 44 })]);
    const folder = await files.folderOf('rep_a');
    expect(folder).toMatch(/^\/(run|dev\/shm)\/waybill\//);
    expect(await readFile(`${folder}/secrets/PASS`, 'utf8')).toBe('of secrets/PASS');
    expect([await modeOf(folder), await modeOf(`${folder}/secrets`), await modeOf(`${folder}/secrets/PASS`), await modeOf(`${folder}/configs/0`)]).toEqual(['700', '755', '444', '640']);
    expect([await files.secretsOf('rep_a'), await files.secretsOf('rep_b')]).toEqual([['of secrets/PASS'], []]);
    const { uid, gid } = await stat(`${folder}/configs/0`);
    expect([uid, gid, await files.has('rep_a')]).toEqual([33, 44, true]);
  });

  it('are replaced whole, and go without a trace', async () => {
    await files.put('rep_a', [file('secrets/OLD')]);
    await files.put('rep_a', [file('secrets/NEW')]);
    const folder = await files.folderOf('rep_a');
    await expect(stat(`${folder}/secrets/OLD`)).rejects.toThrow('ENOENT');
    expect(await files.list()).toEqual(['rep_a']);
    await files.remove('rep_a');
    await files.remove('rep_a');
    await expect(stat(`${folder}/..`)).rejects.toThrow('ENOENT');
  });
});
