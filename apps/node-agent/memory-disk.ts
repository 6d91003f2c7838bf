import type { Clock } from '#contracts';
import type { Disk } from './disk.ts';

interface File {
  text: string;
  /** How much of the text a power cut leaves. */
  durable: number;
  changedAt: number;
}

/** A folder in memory, for specs and simulations: it can lose power, and it can be full. */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, File>();
  /** While set, every write fails. */
  full = false;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async read(name: string): Promise<string | null> {
    return this.#files.get(name)?.text ?? null;
  }

  async readBytes(name: string, from: number, length: number): Promise<Buffer | null> {
    const file = this.#files.get(name);
    return file ? Buffer.from(file.text).subarray(from, from + length) : null;
  }

  async write(name: string, text: string): Promise<void> {
    this.#mayWrite();
    this.#files.set(name, { text, durable: text.length, changedAt: this.clock.now() });
  }

  async append(name: string, text: string, options?: { durable?: boolean }): Promise<void> {
    this.#mayWrite();
    const before = this.#files.get(name) ?? { text: '', durable: 0, changedAt: 0 };
    const whole = before.text + text;
    this.#files.set(name, { text: whole, durable: options?.durable ? whole.length : before.durable, changedAt: this.clock.now() });
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from);
    if (!file) throw Object.assign(new Error(`ENOENT: ${from}`), { code: 'ENOENT' });
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  async list(folder: string): ReturnType<Disk['list']> {
    const inside = [...this.#files].filter(([name]) => name.startsWith(`${folder}/`));
    return inside.map(([name, { text, changedAt }]) => ({ name: name.slice(folder.length + 1), bytes: Buffer.byteLength(text), changedAt }));
  }

  /** A power cut: of what wasn't durable, only the first `kept` characters of each file are left. */
  losePower(kept = 0): void {
    for (const file of this.#files.values()) {
      file.text = file.text.slice(0, Math.max(file.durable, Math.min(file.text.length, file.durable + kept)));
    }
  }

  /** All that is written there, for whoever looks for what shouldn't be. */
  everything(): string {
    return [...this.#files.values()].map(({ text }) => text).join('\n');
  }

  #mayWrite(): void {
    if (this.full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  }
}
