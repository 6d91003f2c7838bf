import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#contracts';
import type { World } from '../e2e/world.ts';
import { pick, type Fault } from './faults.ts';
import type { Story } from './story.ts';

const ENGINE = 'engine';

/** Carries out faults on a real installation and its engine, and mends them in the end. */
export class Saboteur {
  readonly #frozen = new Map<string, number>();
  #engineIsDown = false;
  #pending: Promise<void>[] = [];

  constructor(
    private readonly world: World,
    private readonly story: Story,
    private readonly random: Random,
  ) {}

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
    if (this.#engineIsDown) await this.#startEngine();
    for (const part of this.world.installation.partNames) await this.world.installation.ready(part, 60_000);
    this.story.tell('everything is back');
  }

  async #carryOut({ kind, parts, lastingMs }: Fault): Promise<void> {
    if (kind === 'remove') return this.#removeContainer();
    if (kind === 'freeze') return this.#freeze(parts[0]!, lastingMs);
    this.story.tell(`SIGKILL of ${parts.join(', ')}`);
    for (const part of parts) if (part !== ENGINE) this.world.installation.part(part).signal('SIGKILL');
    if (parts.includes(ENGINE)) await this.#killEngine(lastingMs);
  }

  async #freeze(part: string, lastingMs: number): Promise<void> {
    const pid = part === ENGINE ? (this.#engineIsDown ? null : this.world.engine.pid) : this.world.installation.part(part).pid;
    if (pid === null || this.#frozen.has(part)) return;
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

  async #killEngine(downMs: number): Promise<void> {
    if (this.#engineIsDown) return;
    this.#engineIsDown = true;
    this.#frozen.delete(ENGINE);
    await this.world.engine.kill();
    await pause(downMs);
    await this.#startEngine();
  }

  async #startEngine(): Promise<void> {
    await this.world.engine.restart();
    this.#engineIsDown = false;
    this.story.tell('the engine answers again');
  }

  async #removeContainer(): Promise<void> {
    if (this.#engineIsDown || this.#frozen.has(ENGINE)) return;
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
