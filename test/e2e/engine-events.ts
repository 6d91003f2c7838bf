import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestEngine } from '#testing';

export interface EngineEvent {
  /** `start`, `die`, `oom`, `kill` … */
  readonly action: string;
  readonly ownerId: string;
  readonly container: string;
  readonly exitCode: number | null;
  /** Milliseconds since the epoch, by the engine. */
  readonly at: number;
}

/** What an engine tells of its containers, all of it, from the beginning on: itself it remembers only the last of it. */
export class EngineEvents {
  readonly all: EngineEvent[] = [];

  private constructor(private readonly child: ChildProcess) {}

  static listen(engine: TestEngine): EngineEvents {
    const child = spawn('docker', ['-H', engine.host, 'events', '--since', '0', '--filter', 'type=container', '--format', '{{json .}}'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const events = new EngineEvents(child);
    createInterface({ input: child.stdout }).on('line', (line) => events.take(line));
    return events;
  }

  count(ownerId: string, action: string): number {
    return this.all.filter((event) => event.ownerId === ownerId && event.action === action).length;
  }

  /** Ends the listening. Harmless when repeated. */
  stop(): void {
    this.child.kill();
  }

  private take(line: string): void {
    const { Action, Actor, timeNano } = JSON.parse(line) as { Action: string; Actor: { ID: string; Attributes: Record<string, string> }; timeNano: number };
    const { exitCode, ['waybill.owner_id']: ownerId = '' } = Actor.Attributes;
    this.all.push({ action: Action, ownerId, container: Actor.ID, exitCode: exitCode === undefined ? null : Number(exitCode), at: timeNano / 1e6 });
  }
}
