import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const LOG_FILE_MAX_BYTES = 20 * 1024 * 1024;
const RESTART_FIRST_MS = 300;
const RESTART_MAX_MS = 10_000;
/** Running this long counts as healthy again: the next restart comes fast. */
const RESTART_RESET_MS = 60_000;

/** How a process is started, and where what it says goes. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Everything it prints, as printed. Rolled over once at start when it has grown large. */
  readonly logFile: string;
  /** Hears each line as well. */
  readonly onLine?: (line: string) => void;
  /** SIGTERM to SIGKILL. */
  readonly graceMs?: number;
}

/** One supervised process: started again with backoff whenever it ends unasked. */
export class Supervised {
  #child: ChildProcess | null = null;
  #wanted = false;
  #loop: Promise<void> = Promise.resolve();
  #stopping = new AbortController();
  readonly spec: ProcessSpec;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  /** Of the process that runs now; null between two. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#stopping = new AbortController();
    this.#loop = this.#keepRunning();
  }

  /** A signal to the process that runs now: a killed one is started again. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it for good: SIGTERM, after the grace SIGKILL. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#stopping.abort();
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const timer = setTimeout(() => child.kill('SIGKILL'), this.spec.graceMs ?? 12_000);
      await ended;
      clearTimeout(timer);
    }
    await this.#loop;
  }

  async #keepRunning(): Promise<void> {
    let delayMs = RESTART_FIRST_MS;
    while (this.#wanted) {
      const startedAt = Date.now();
      const outcome = await this.#runOnce();
      if (!this.#wanted) return;
      if (Date.now() - startedAt > RESTART_RESET_MS) delayMs = RESTART_FIRST_MS;
      this.spec.onLine?.(`${this.spec.name} ended (${outcome}); starting it again in ${delayMs} ms`);
      await pause(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS);
    }
  }

  async #runOnce(): Promise<string> {
    const { command, args, env, logFile } = this.spec;
    rollOver(logFile);
    const log = createWriteStream(logFile, { flags: 'a' });
    // Its own process group: a Ctrl-C at the terminal reaches the supervisor alone, which stops the parts in order.
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text);
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.spec.onLine?.(line);
      });
    }
    const outcome = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(signal ?? `exit ${code}`));
    });
    this.#child = null;
    log.end();
    return outcome;
  }
}

/** Whoever was given one of these may have yet to listen on it. */
const given = new Set<number>();

/** A TCP port of the loopback that nothing listens on at this moment, and that was given to nobody else by this process: two parts of one port would
 *  have one answer for the other, and be taken for ready. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}

/** Asks until the answer is yes. @throws Error with `what` when the time is over. */
export async function until(what: string, deadlineMs: number, ask: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    if (await ask().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`${what}: not within ${Math.round(deadlineMs / 1000)} s`);
    await pause(50);
  }
}

/** Whether a GET answers 2xx. */
export const answers = async (url: string): Promise<boolean> => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;

function rollOver(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > LOG_FILE_MAX_BYTES) renameSync(file, `${file}.1`);
}
