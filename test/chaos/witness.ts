import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventStore, Recorded } from '#event-store';
import type { TestEngine } from '#testing';
import type { Story } from './story.ts';

/** A container of Waybill's, by the engine's own word. */
export interface LiveContainer {
  readonly id: string;
  readonly state: string;
  readonly ownerType: string;
  readonly ownerId: string;
  readonly slot: number;
}

const LOOK_MS = 250;

/** Watches a run from outside: the log as it grows, and the engine for two live containers of one slot. */
export class Witness {
  /** Events in the order in which they were told. */
  readonly told: Recorded[] = [];
  readonly doubles: string[] = [];
  readonly #over = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly engine: TestEngine,
    private readonly story: Story,
  ) {}

  start(): void {
    this.#watching = Promise.all([this.#followLog(), this.#watchEngine()]);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  async #followLog(): Promise<void> {
    for await (const followed of this.store.follow(null, undefined, this.#over.signal)) if ('event' in followed) this.told.push(followed.event);
  }

  async #watchEngine(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const containers = await containersOf(this.engine).catch(() => []);
      const slots = containers.filter(({ state }) => state === 'running').map(({ ownerType, ownerId, slot }) => `slot ${slot} of ${ownerType} ${ownerId}`);
      for (const slot of slots) {
        if (slots.indexOf(slot) === slots.lastIndexOf(slot) || this.doubles.includes(slot)) continue;
        this.doubles.push(slot);
        this.story.tell(`two live containers for ${slot}`);
      }
      await pause(LOOK_MS);
    }
  }
}

/** @throws Error when the engine doesn't answer. */
export async function containersOf(engine: TestEngine): Promise<LiveContainer[]> {
  const listed = (await ask(engine, '/containers/json?all=1')) as { Id: string; State: string; Labels: Record<string, string> }[];
  return listed
    .filter(({ Labels }) => Labels['waybill.installation'] !== undefined)
    .map(({ Id, State, Labels }) => ({ id: Id, state: State, ownerType: Labels['waybill.owner_type']!, ownerId: Labels['waybill.owner_id']!, slot: Number(Labels['waybill.slot']) }));
}

/** Names of Waybill's networks there. @throws Error when the engine doesn't answer. */
export async function networksOf(engine: TestEngine): Promise<string[]> {
  const listed = (await ask(engine, '/networks')) as { Name: string; Labels: Record<string, string> | null }[];
  return listed.filter(({ Labels }) => Labels?.['waybill.installation'] !== undefined).map(({ Name }) => Name);
}

/** Plain HTTP: a docker process for every look would take the cores from what is looked at. */
function ask(engine: TestEngine, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: engine.host.replace('unix://', ''), path, timeout: 2_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more: string) => (text += more));
      answer.once('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`GET ${path}: ${answer.statusCode} ${text}`))));
      answer.once('error', reject);
    });
    asking.once('timeout', () => asking.destroy(new Error(`GET ${path}: the engine doesn't answer`))).once('error', reject);
    asking.end();
  });
}
