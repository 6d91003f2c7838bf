import { Transient, type Bus } from '#contracts';
import { subjectMatches } from '#testing';
import type { Life } from './life.ts';
import type { Timeline } from './timeline.ts';

interface Subscription {
  readonly subject: string;
  readonly queue: string | null;
  readonly owner: SimulatedBus;
  readonly handler: (payload: never, subject: string) => unknown;
}

/** What is wrong with the network at the moment. Probabilities of a message. */
export interface Weather {
  lost: number;
  doubled: number;
  /** Later than the one that is sent after it, by up to `longestMs`. */
  late: number;
  longestMs: number;
}

export const FAIR: Weather = { lost: 0, doubled: 0, late: 0, longestMs: 0 };

/** The broker and all the wires: every message is a task of whoever receives it. */
export class Network {
  weather: Weather = { ...FAIR };
  readonly buses = new Set<SimulatedBus>();
  readonly #subscriptions = new Set<Subscription>();
  /** Who listens to a subject, as long as nobody begins or ends to: matching is most of a message's cost. */
  readonly #bySubject = new Map<string, readonly Subscription[]>();

  /** @param see sees every message, a reply too */
  constructor(
    readonly timeline: Timeline,
    private readonly see: (subject: string, text: string) => void,
  ) {}

  /** What arrives of it: JSON. */
  copied(subject: string, payload: unknown): unknown {
    const text = JSON.stringify(payload ?? null);
    this.see(subject, text);
    return JSON.parse(text) as unknown;
  }

  /** A process's connection. @param part which part it is of: a cut goes by that, and outlasts a life */
  connect(life: Life, part: string): SimulatedBus {
    return new SimulatedBus(this, life, part);
  }

  /** The broker is dead to these: connections are lost. */
  disconnect(part: string): void {
    for (const bus of this.buses) if (bus.part === part) bus.disconnect();
  }

  reconnect(part: string): void {
    for (const bus of this.buses) if (bus.part === part) bus.reconnect();
  }

  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
    this.#bySubject.clear();
  }

  end(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    this.#bySubject.clear();
  }

  endAllOf(owner: SimulatedBus): void {
    for (const subscription of [...this.#subscriptions]) if (subscription.owner === owner) this.end(subscription);
  }

  stands(subscription: Subscription): boolean {
    return this.#subscriptions.has(subscription);
  }

  receivers(subject: string): Subscription[] {
    const heard = this.#listeners(subject).filter(({ owner }) => owner.connected);
    const groups = Map.groupBy(heard.filter(({ queue }) => queue !== null), ({ queue }) => queue);
    const chosen = [...groups.values()].map((members) => members[this.timeline.between(0, members.length - 1)]!);
    return [...heard.filter(({ queue }) => queue === null), ...chosen];
  }

  /** Lets it arrive once, twice, late or never. */
  carry(to: SimulatedBus, label: string, arrive: () => void): void {
    const { timeline, weather } = this;
    if (weather.lost > 0 && timeline.chance(weather.lost)) return;
    const copies = weather.doubled > 0 && timeline.chance(weather.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const late = weather.late > 0 && timeline.chance(weather.late);
      const ms = late ? timeline.between(1, weather.longestMs) : timeline.between(0, 3);
      timeline.schedule(to.life, ms, label, () => to.connected && arrive());
    }
  }

  #listeners(subject: string): readonly Subscription[] {
    const known = this.#bySubject.get(subject);
    if (known) return known;
    const found = [...this.#subscriptions].filter(({ subject: pattern }) => subjectMatches(pattern, subject));
    this.#bySubject.set(subject, found);
    return found;
  }
}

/** One process's connection. Its errors are those of the real bus. */
export class SimulatedBus implements Bus {
  connected = true;
  readonly #callbacks = new Set<() => void>();
  readonly #pending = new Set<(error: Transient) => void>();

  constructor(
    private readonly network: Network,
    readonly life: Life,
    readonly part: string,
  ) {
    network.buses.add(this);
    life.onDeath(() => this.#close());
  }

  publish(subject: string, payload: unknown): void {
    if (!this.connected) return;
    const sent = this.network.copied(subject, payload);
    for (const receiver of this.network.receivers(subject)) this.#send(subject, sent, receiver);
  }

  async request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply> {
    if (!this.connected) throw new Transient('bus.disconnected', `${subject}: no connection to the bus`);
    const sent = this.network.copied(subject, payload);
    const receivers = this.network.receivers(subject);
    if (receivers.length === 0) {
      await this.life.hop('no responder', 1);
      throw new Transient('bus.no_responder', `nobody answers ${subject}`);
    }
    return new Promise<Reply>((resolve, reject) => {
      const fail = (error: Transient): void => {
        cancel();
        this.#pending.delete(fail);
        reject(error);
      };
      const answer = (outcome: Outcome): void => {
        if ('failure' in outcome) return fail(new Transient('bus.remote_error', `${subject} was answered with an error: ${outcome.failure}`));
        cancel();
        this.#pending.delete(fail);
        resolve(outcome.response as Reply);
      };
      const cancel = this.life.after(timeoutMs, () => fail(new Transient('bus.timeout', `${subject} wasn't answered within ${timeoutMs} ms`)));
      this.#pending.add(fail);
      for (const receiver of receivers) this.#send(subject, sent, receiver, answer);
    });
  }

  subscribe<Payload>(subject: string, handler: (payload: Payload, subject: string) => unknown, options?: { queue?: string }): () => void {
    const subscription: Subscription = { subject, queue: options?.queue ?? null, owner: this, handler: handler as Subscription['handler'] };
    this.network.add(subscription);
    return () => this.network.end(subscription);
  }

  onConnect(callback: () => void): () => void {
    this.#callbacks.add(callback);
    if (this.connected) this.life.after(0, () => this.connected && this.#callbacks.has(callback) && callback());
    return () => void this.#callbacks.delete(callback);
  }

  /** The process learns of it, and of everything below, when its turn comes. */
  disconnect(): void {
    this.connected = false;
    for (const fail of [...this.#pending]) this.life.after(0, () => this.#pending.has(fail) && fail(new Transient('bus.disconnected', 'the connection to the bus was lost')));
  }

  reconnect(): void {
    if (this.connected) return;
    this.connected = true;
    for (const callback of [...this.#callbacks]) this.life.after(0, () => this.connected && this.#callbacks.has(callback) && callback());
  }

  #close(): void {
    this.connected = false;
    this.network.buses.delete(this);
    this.network.endAllOf(this);
  }

  #send(subject: string, payload: unknown, receiver: Subscription, answer?: (outcome: Outcome) => void): void {
    const { owner } = receiver;
    this.network.carry(owner, subject, () => {
      if (!this.network.stands(receiver)) return;
      void this.#outcomeOf(receiver, payload, subject).then((outcome) => {
        if (answer && owner.connected && owner.life.state !== 'dead') this.network.carry(this, `answer to ${subject}`, () => answer(outcome));
      });
    });
  }

  async #outcomeOf({ handler }: Subscription, payload: unknown, subject: string): Promise<Outcome> {
    try {
      return { response: this.network.copied(subject, await handler(payload as never, subject)) };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }
}

type Outcome = { readonly response: unknown } | { readonly failure: string };
