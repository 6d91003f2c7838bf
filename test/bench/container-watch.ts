import type Dockerode from 'dockerode';
import { createInterface } from 'node:readline';

const DEADLINE_MS = 120_000;

/** A start or an end, by the engine. */
export interface Change {
  /** Milliseconds since the epoch, by the engine. */
  readonly at: number;
  readonly what: 'start' | 'die';
  readonly container: string;
}

/** The containers with a label that run, by their engine's own events: it judges both sides of a comparison. */
export class ContainerWatch {
  readonly running = new Set<string>();
  private readonly changes: Change[] = [];
  private onChange: () => void = () => undefined;

  private constructor(private readonly end: () => void) {}

  /** From now on. @param label `name=value`. */
  static async begin(docker: Dockerode, label: string): Promise<ContainerWatch> {
    const stream = await docker.getEvents({ filters: { type: ['container'], event: ['start', 'die'], label: [label] } });
    const watch = new ContainerWatch(() => (stream as unknown as { destroy(): void }).destroy());
    for (const { Id } of await docker.listContainers({ filters: { label: [label] } })) watch.running.add(Id);
    const lines = createInterface({ input: stream }).on('line', (line) => watch.take(JSON.parse(line) as EngineEvent));
    // That it was ended here isn't news.
    for (const each of [stream, lines]) each.on('error', () => undefined);
    return watch;
  }

  /** Waits until so many run, and none of `before`. @returns when the last change to that was, in milliseconds since the epoch. */
  replaced(count: number, before: ReadonlySet<string>): Promise<number> {
    const isSo = (): boolean => this.running.size === count && [...this.running].every((id) => !before.has(id));
    return this.until(`${count} run, and none of before`, () => (isSo() ? (this.changes.at(-1)?.at ?? null) : null));
  }

  /** Waits until a container has ended and another one, or the same again, was started. @returns milliseconds between the two, and when the
   *  second was. */
  madeGood(container: string): Promise<{ readonly took: number; readonly at: number }> {
    return this.until(`there is another one for ${container}`, () => {
      const end = this.changes.findIndex((change) => change.what === 'die' && change.container === container);
      const start = end < 0 ? undefined : this.changes.slice(end).find(({ what }) => what === 'start');
      return start ? { took: start.at - this.changes[end]!.at, at: start.at } : null;
    });
  }

  stop(): void {
    this.end();
  }

  private until<T>(what: string, find: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`never within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS);
      this.onChange = () => {
        const found = find();
        if (found === null) return;
        clearTimeout(late);
        resolve(found);
      };
      this.onChange();
    });
  }

  private take({ Action, Actor, timeNano }: EngineEvent): void {
    const what = Action === 'start' ? 'start' : 'die';
    if (what === 'start') this.running.add(Actor.ID);
    else this.running.delete(Actor.ID);
    this.changes.push({ at: timeNano / 1e6, what, container: Actor.ID });
    this.onChange();
  }
}

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string };
  readonly timeNano: number;
}
