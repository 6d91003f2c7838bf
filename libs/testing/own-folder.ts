import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test's folder is for: what stands in it, and how it is taken away. */
type Kind = 'engine' | 'image' | 'nats' | 'registry';

/** Makes a temporary folder that names this process, so that a later run can tell whether anybody still needs it:
 *  `waybill-<kind>-<pid>-<its start>-<random>`. */
export async function makeOwnFolder(kind: Kind): Promise<string> {
  return mkdtemp(join(tmpdir(), `waybill-${kind}-${process.pid}-${await startOf(process.pid)}-`));
}

/** Folders of processes that are gone: they were killed before they could take them away. */
export async function abandonedFolders(kind: Kind): Promise<string[]> {
  const abandoned: string[] = [];
  for (const entry of await readdir(tmpdir())) {
    const [, pid, start] = new RegExp(`^waybill-${kind}-(\\d+)-(\\d+)-`).exec(entry) ?? [];
    if (pid !== undefined && (await startOf(Number(pid))) !== start) abandoned.push(join(tmpdir(), entry));
  }
  return abandoned;
}

/** When it was started, in ticks since the machine's start (proc(5), `stat`, field 22): a process id is given again, with it never.
 *  `gone` for one that isn't there. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The second field, the command in parentheses, may have spaces in it.
  return stat?.replace(/^.*\) /s, '').split(' ')[19] ?? 'gone';
}
