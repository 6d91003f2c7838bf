import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#contracts';
import type { World } from '../e2e/world.ts';
import { pick, type Fault } from './faults.ts';
import type { Story } from './story.ts';

/** What an installation stands on, and no supervisor of its own starts again. */
export interface Outsider {
  readonly pid: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const ENGINE = 'engine';

/** Carries out faults on a real installation and what it stands on, and mends them in the end. */
export class Saboteur {
  readonly #frozen = new Map<string, number>();
  readonly #down = new Set<string>();
  readonly #outsiders: ReadonlyMap<string, Outsider>;
  #pending: Promise<void>[] = [];

  constructor(
    private readonly world: World,
    private readonly story: Story,
    private readonly random: Random,
    stores: ReadonlyMap<string, Outsider> = new Map(),
  ) {
    this.#outsiders = new Map([[ENGINE, world.engine], ...stores]);
  }

  get outsiders(): string[] {
    return [...this.#outsiders.keys()];
  }

  /** Each at its time, the next one whether or not the one before is over. @returns when the last has begun. */
  async carryOut(faults: readonly Fault[]): Promise<void> {
    const begun = performance.now();
    for (const fault of faults) {
      await pause(Math.max(0, begun + fault.atMs - performance.now()));
      this.#pending.push(this.#carryOut(fault));
    }
  }

  /** Ends every fault: all runs again. @returns when every part says that it is ready. */
  async heal(): Promise<void> {
    await Promise.all(this.#pending);
    for (const [part, pid] of this.#frozen) this.#thaw(part, pid);
    for (const name of [...this.#down]) await this.#restart(name);
    for (const part of this.world.installation.partNames) await this.world.installation.ready(part, 60_000);
    this.story.tell('everything is back');
  }

  async #carryOut({ kind, parts, lastingMs }: Fault): Promise<void> {
    if (kind === 'remove') return this.#removeContainer();
    if (kind === 'freeze') return this.#freeze(parts[0]!, lastingMs);
    this.story.tell(`SIGKILL of ${parts.join(', ')}`);
    const outsiders = parts.filter((part) => this.#outsiders.has(part));
    for (const part of parts) if (!this.#outsiders.has(part)) this.world.installation.part(part).signal('SIGKILL');
    await Promise.all(outsiders.map((name) => this.#killOutsider(name, lastingMs)));
  }

  async #freeze(part: string, lastingMs: number): Promise<void> {
    if (this.#down.has(part) || this.#frozen.has(part)) return;
    const pid = this.#outsiders.get(part)?.pid ?? this.world.installation.part(part).pid;
    if (pid === null) return;
    this.story.tell(`SIGSTOP of ${part} for ${lastingMs} ms`);
    this.#frozen.set(part, pid);
    send(pid, 'SIGSTOP');
    await pause(lastingMs);
    this.#thaw(part, pid);
  }

  #thaw(part: string, pid: number): void {
    if (this.#frozen.get(part) !== pid) return;
    this.#frozen.delete(part);
    send(pid, 'SIGCONT');
    this.story.tell(`SIGCONT of ${part}`);
  }

  async #killOutsider(name: string, downMs: number): Promise<void> {
    if (this.#down.has(name)) return;
    this.#down.add(name);
    this.#frozen.delete(name);
    await this.#outsiders.get(name)!.kill();
    await pause(downMs);
    await this.#restart(name);
  }

  async #restart(name: string): Promise<void> {
    await this.#outsiders.get(name)!.restart();
    this.#down.delete(name);
    this.story.tell(`${name} answers again`);
  }

  async #removeContainer(): Promise<void> {
    if (this.#down.has(ENGINE) || this.#frozen.has(ENGINE)) return;
    const victims = await this.world.docker(['ps', '--quiet', '--filter', 'label=waybill.owner_type=docker_service']).then((ids) => ids.split('\n').filter(Boolean), () => []);
    if (victims.length === 0) return;
    const victim = pick(this.random, victims);
    this.story.tell(`docker rm --force of container ${victim}`);
    // The engine may be killed meanwhile: then it is removed, or it isn't.
    await this.world.docker(['rm', '--force', victim]).catch(() => undefined);
  }
}

/** To a process that may be gone by now. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
