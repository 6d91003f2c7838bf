import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';

/** A value that stands nowhere else, told by what it looks like in any of the forms that it may be written in. */
export class Canary {
  readonly #forms: readonly string[];

  /** @param value one of Waybill's own making, a token, in place of one made here */
  constructor(readonly value = `canary-${randomBytes(18).toString('hex')}`) {
    this.#forms = [value, Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -2), Buffer.from(value).toString('hex')];
  }

  isIn(bytes: Buffer | string): boolean {
    return this.#forms.some((form) => bytes.includes(form));
  }

  /** The files below a folder that hold it. */
  async inFiles(folder: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // Logs and stores; an engine's sockets, pipes and images aren't among them.
      if (!entry.isFile() || (await stat(path).catch(() => null)) === null) continue;
      if (this.isIn(await readFile(path).catch(() => ''))) found.push(path);
    }
    return found;
  }

  /** The processes of this machine whose arguments or environment hold it, containers' own among them. */
  async inProcesses(what: 'cmdline' | 'environ'): Promise<string[]> {
    const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
    const told = await Promise.all(pids.map(async (pid) => ({ pid, text: await readFile(`/proc/${pid}/${what}`).catch(() => '') })));
    return told.filter(({ text }) => this.isIn(text)).map(({ pid }) => pid);
  }
}

/** Hears every message on a broker, with its subject. */
export async function listenToAll(url: string): Promise<{ readonly messages: readonly { subject: string; bytes: Buffer }[]; close(): Promise<void> }> {
  const connection = await connect({ servers: url });
  const messages: { subject: string; bytes: Buffer }[] = [];
  connection.subscribe('>', { callback: (_error, message) => void messages.push({ subject: message.subject, bytes: Buffer.from(message.data) }) });
  await connection.flush();
  return { messages, close: () => connection.close() };
}
