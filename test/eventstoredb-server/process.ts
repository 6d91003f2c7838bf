import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const FLAGS = ['--conditions=source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning'];

/** The server in a process of its own, to be killed and started again on the same file and port. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** Resolves once it listens. @param port default: any free one. @throws Error when it ends before */
  static async start(file: string, port = 0): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...FLAGS, MAIN, file, String(port)], { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH } });
    const line = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]).then(([first]) => String(first));
    if (!line.startsWith('{')) throw new Error(`the EventStoreDB protocol server ended at once: ${line}`);
    return new ServerProcess(child, (JSON.parse(line) as { port: number }).port);
  }

  /** What `EVENT_STORE_URL` says of it. */
  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** A switch of `main.ts`: `cut`, `delay 100`, `lose answer`, … */
  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** @param signal SIGKILL: as a machine that loses its power. Resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}
