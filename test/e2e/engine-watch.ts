import { request } from 'node:http';
import { createInterface } from 'node:readline';

/** A container as the engine lists it, by the labels that the platform gave it. */
export interface SeenContainer {
  readonly id: string;
  readonly state: string;
  readonly slot: number;
  readonly release: number | null;
}

interface Listed {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** The containers of a service or job, or of all, by the engine's own word, running or not. Asked on its socket: the CLI would be too slow to ask
 *  ten times a second. @throws Error where the engine doesn't answer. */
export async function listContainers(host: string, ownerId?: string): Promise<readonly SeenContainer[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [labelOf(ownerId)] }));
  const listed = (await getJson(host, `/containers/json?all=1&filters=${filters}`)) as readonly Listed[];
  return listed.map(({ Id, State, Labels }) => ({ id: Id, state: State, slot: Number(Labels['waybill.slot']), release: releaseOf(Labels) }));
}

const labelOf = (ownerId?: string): string => (ownerId === undefined ? 'waybill.owner_id' : `waybill.owner_id=${ownerId}`);
const releaseOf = (labels: Readonly<Record<string, string>>): number | null => (labels['waybill.release'] === undefined ? null : Number(labels['waybill.release']));

/** What one engine event did to the number of running containers. */
export interface Change {
  /** Milliseconds since the epoch, by the engine. */
  readonly at: number;
  readonly what: 'start' | 'die';
  /** Of the service or job whose container it was. */
  readonly ownerId: string;
  readonly release: number | null;
  /** Of all that is watched, afterwards. */
  readonly running: number;
}

/** Counts the running containers of one owner, or of everything that the platform made, by the engine's own events, from those that run
 *  when it begins: the engine itself remembers only the last of them. */
export class EngineWatch {
  readonly changes: Change[] = [];
  readonly #running = new Set<string>();
  #end: () => void = () => undefined;

  /** Watches from now on. @param ownerId this service or job only */
  static async begin(host: string, ownerId?: string): Promise<EngineWatch> {
    const watch = new EngineWatch();
    await watch.#listen(host, ownerId);
    for (const { id, state } of await listContainers(host, ownerId)) if (state === 'running') watch.#running.add(id);
    return watch;
  }

  /** The fewest that ran at a time. */
  get least(): number {
    return Math.min(this.#running.size, ...this.changes.map(({ running }) => running));
  }

  /** The most that ran at a time. */
  get most(): number {
    return Math.max(this.#running.size, ...this.changes.map(({ running }) => running));
  }

  /** How often containers of an owner were started, or ended. */
  count(ownerId: string, what: Change['what']): number {
    return this.changes.filter((change) => change.ownerId === ownerId && change.what === what).length;
  }

  /** Ends the watching. Harmless when repeated. */
  stop(): void {
    this.#end();
  }

  async #listen(host: string, ownerId?: string): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start', 'die'], label: [labelOf(ownerId)] }));
    await new Promise<void>((resolve, reject) => {
      const asking = request({ socketPath: socketOf(host), path: `/events?filters=${filters}` }, (answer) => {
        const lines = createInterface({ input: answer }).on('line', (line) => this.#take(JSON.parse(line) as EngineEvent));
        // That it was ended here isn't news.
        for (const each of [answer, lines]) each.on('error', () => undefined);
        resolve();
      });
      asking.once('error', reject).end();
      this.#end = () => asking.destroy();
    });
  }

  #take({ Action, Actor, timeNano }: EngineEvent): void {
    const what = Action === 'start' ? 'start' : 'die';
    if (what === 'start') this.#running.add(Actor.ID);
    else this.#running.delete(Actor.ID);
    this.changes.push({ at: timeNano / 1e6, what, ownerId: Actor.Attributes['waybill.owner_id'] ?? '', release: releaseOf(Actor.Attributes), running: this.#running.size });
  }
}

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
}

const socketOf = (host: string): string => host.replace(/^unix:\/\//, '');

function getJson(host: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath: socketOf(host), path, timeout: 2_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part)).once('error', reject).once('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`the engine answers ${answer.statusCode}: ${text}`));
      });
    }).once('error', reject).once('timeout', function (this: { destroy(error: Error): void }) {
      this.destroy(new Error('the engine does not answer'));
    }).end();
  });
}
