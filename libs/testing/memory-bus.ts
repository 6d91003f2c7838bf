import { Transient, type Bus, type Clock } from '#contracts';

/** A message on its way, as a rule for dropping sees it. */
export interface Passing {
  readonly kind: 'message' | 'request' | 'answer';
  readonly subject: string;
  /** Names given to `MemoryBroker.bus`. */
  readonly from: string;
  readonly to: string;
  readonly payload: unknown;
}

interface Subscription {
  readonly subject: string;
  readonly queue: string | null;
  readonly owner: MemoryBus;
  readonly handler: (payload: unknown, subject: string) => unknown;
}

/** A NATS server in memory: every process of a test gets its own `bus(name)`. Payloads pass through JSON. Messages take
 *  `latencyMs` of the clock's time, or arrive in the next microtask. */
export class MemoryBroker {
  readonly subscriptions = new Set<Subscription>();
  readonly #rules = new Set<(passing: Passing) => boolean>();
  #turn = 0;

  constructor(
    readonly clock: Clock,
    readonly latencyMs: number = 0,
  ) {}

  /** A connection, connected from the start. */
  bus(name: string): MemoryBus {
    return new MemoryBus(this, name);
  }

  /** Messages for which `rule` holds are lost (a request then times out). @returns a function that ends it. */
  drop(rule: (passing: Passing) => boolean): () => void {
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }

  /** Who hears a message: every plain subscription, and one member of each queue group in turn. */
  receivers(subject: string): Subscription[] {
    const heard = [...this.subscriptions].filter((subscription) => subscription.owner.connected && subjectMatches(subscription.subject, subject));
    const groups = Map.groupBy(heard.filter(({ queue }) => queue !== null), ({ queue }) => queue);
    this.#turn += 1;
    const chosen = [...groups.values()].map((members) => members[this.#turn % members.length]!);
    return [...heard.filter(({ queue }) => queue === null), ...chosen];
  }

  /** Delivers unless a rule, or a connection lost meanwhile, prevents it. */
  carry(passing: Passing, ends: { from: MemoryBus; to: MemoryBus }, arrive: () => void): void {
    const deliver = (): void => {
      const lost = !ends.from.connected || !ends.to.connected || [...this.#rules].some((rule) => rule(passing));
      if (!lost) arrive();
    };
    if (this.latencyMs > 0) this.clock.after(this.latencyMs, deliver);
    else queueMicrotask(deliver);
  }
}

/** What NATS takes as it comes. */
const MAX_BYTES = 1024 * 1024;

/** One process's connection to a `MemoryBroker`. Errors are those of the real bus. */
export class MemoryBus implements Bus {
  connected = true;
  #closed = false;
  readonly #callbacks = new Set<() => void>();
  readonly #pending = new Set<(error: Transient) => void>();

  constructor(
    private readonly broker: MemoryBroker,
    readonly name: string,
  ) {}

  publish(subject: string, payload: unknown): void {
    if (!this.connected) return;
    const sent = sendable(subject, payload);
    for (const receiver of this.broker.receivers(subject)) this.#send('message', subject, sent, receiver);
  }

  async request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply> {
    if (!this.connected) throw new Transient('bus.disconnected', `${subject}: no connection to the bus`);
    const sent = sendable(subject, payload);
    const receivers = this.broker.receivers(subject);
    if (receivers.length === 0) throw new Transient('bus.no_responder', `nobody answers ${subject}`);
    return new Promise<Reply>((resolve, reject) => {
      const fail = (error: Transient): void => {
        cancel();
        this.#pending.delete(fail);
        reject(error);
      };
      const answer = (outcome: { response: unknown } | { failure: string }): void => {
        if ('failure' in outcome) return fail(new Transient('bus.remote_error', `${subject} was answered with an error: ${outcome.failure}`));
        cancel();
        this.#pending.delete(fail);
        resolve(outcome.response as Reply);
      };
      const cancel = this.broker.clock.after(timeoutMs, () => fail(new Transient('bus.timeout', `${subject} wasn't answered within ${timeoutMs} ms`)));
      this.#pending.add(fail);
      for (const receiver of receivers) this.#send('request', subject, sent, receiver, answer);
    });
  }

  subscribe<Payload>(subject: string, handler: (payload: Payload, subject: string) => unknown, options?: { queue?: string }): () => void {
    if (this.#closed) return () => undefined;
    const subscription: Subscription = { subject, queue: options?.queue ?? null, owner: this, handler: handler as Subscription['handler'] };
    this.broker.subscriptions.add(subscription);
    return () => void this.broker.subscriptions.delete(subscription);
  }

  onConnect(callback: () => void): () => void {
    this.#callbacks.add(callback);
    if (this.connected) queueMicrotask(() => this.#callbacks.has(callback) && callback());
    return () => void this.#callbacks.delete(callback);
  }

  /** The connection is lost; subscriptions stay and hear nothing until `reconnect`. */
  disconnect(): void {
    this.connected = false;
    for (const fail of [...this.#pending]) fail(new Transient('bus.disconnected', 'the connection to the bus was lost'));
  }

  /** Nothing happens to one that was closed. */
  reconnect(): void {
    if (this.#closed) return;
    this.connected = true;
    for (const callback of [...this.#callbacks]) callback();
  }

  /** The process is gone: its subscriptions too. */
  async close(): Promise<void> {
    this.#closed = true;
    this.disconnect();
    this.#callbacks.clear();
    for (const subscription of [...this.broker.subscriptions]) if (subscription.owner === this) this.broker.subscriptions.delete(subscription);
  }

  #send(
    kind: 'message' | 'request',
    subject: string,
    payload: unknown,
    receiver: Subscription,
    answer?: (outcome: { response: unknown } | { failure: string }) => void,
  ): void {
    const to = receiver.owner;
    this.broker.carry({ kind, subject, from: this.name, to: to.name, payload }, { from: this, to }, async () => {
      const outcome = await outcomeOf(receiver, payload, subject);
      if (!answer) return;
      const response = 'response' in outcome ? outcome.response : null;
      this.broker.carry({ kind: 'answer', subject, from: to.name, to: this.name, payload: response }, { from: to, to: this }, () => answer(outcome));
    });
  }
}

/** NATS: `*` stands for one token, a last `>` for one or more. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const given = subject.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return given.length > at;
    if (at >= given.length || (token !== '*' && token !== given[at])) return false;
  }
  return wanted.length === given.length;
}

async function outcomeOf(receiver: Subscription, payload: unknown, subject: string): Promise<{ response: unknown } | { failure: string }> {
  try {
    return { response: sendable(subject, await receiver.handler(payload, subject)) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** A copy by way of JSON. @throws RangeError when it is more than the bus takes. */
function sendable(subject: string, payload: unknown): unknown {
  const text = JSON.stringify(payload ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) throw new RangeError(`${subject}: ${bytes} bytes are more than the ${MAX_BYTES} that the bus takes`);
  return JSON.parse(text) as unknown;
}
