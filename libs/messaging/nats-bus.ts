import { connect, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { Transient, type Bus, type Clock, type Logger } from '#contracts';
import { decodeAnswer, decodeMessage, encodeAnswer, encodeFailure, encodeMessage } from './envelope.ts';
import { asTransient } from './failures.ts';

export interface NatsOptions {
  readonly url: string;
  /** Shown by the server's own monitoring: the app's name. */
  readonly name: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A bus that has to be closed. */
export type ClosableBus = Bus & {
  /** Ends every subscription and the connection. Requests under way fail with `bus.disconnected`. */
  close(): Promise<void>;
};

type Handler = (payload: unknown, subject: string) => unknown;

/** Pause between two attempts to reach a server, first or again. */
const RETRY_MS = 250;

/** Two missed pings make a connection stale: a server that was frozen is noticed after 15 s at most. */
const PING_MS = 5_000;

/** Connects, waiting as long as it takes; from then on it reconnects by itself, for ever. */
export async function connectNats(options: NatsOptions): Promise<ClosableBus> {
  const bus = new NatsBus(options);
  await bus.firstConnect;
  return bus;
}

/** As `connectNats`, but doesn't wait: until there is a server, requests fail with `bus.disconnected` and messages are
 *  dropped. For whoever has work to do without a bus: a node's containers live through its absence. */
export const openNats = (options: NatsOptions): ClosableBus => new NatsBus(options);

class NatsBus implements ClosableBus {
  /** Settles at the first connection, or when closed before it. */
  readonly firstConnect: Promise<void>;
  connected = false;
  #connection: NatsConnection | null = null;
  #requests = 0;
  readonly #closing = new AbortController();
  readonly #subscribers = new Set<{ open(connection: NatsConnection): void }>();
  readonly #connectCallbacks = new Set<() => void>();
  /** Rejects the requests that are under way. */
  readonly #pending = new Set<(error: Transient) => void>();

  constructor(private readonly options: NatsOptions) {
    this.firstConnect = this.#connect();
  }

  publish(subject: string, payload: unknown): void {
    // The client would keep it and send it late; what is said here is only worth hearing now.
    if (!this.connected) return;
    this.#connection?.publish(subject, encodeMessage(subject, payload));
  }

  async request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply> {
    const connection = this.#connection;
    if (!connection || !this.connected) throw disconnected(subject);
    this.#requests += 1;
    const message = encodeMessage(subject, payload, String(this.#requests));
    const { promise: dropped, reject: drop } = Promise.withResolvers<never>();
    this.#pending.add(drop);
    try {
      const answer = await Promise.race([connection.request(subject, message, { timeout: timeoutMs }), dropped]);
      return decodeAnswer(subject, answer.string()) as Reply;
    } catch (error) {
      throw asTransient(subject, timeoutMs, error);
    } finally {
      this.#pending.delete(drop);
    }
  }

  subscribe<Payload>(subject: string, handler: (payload: Payload, subject: string) => unknown, options?: { queue?: string }): () => void {
    let subscription: Subscription | null = null;
    const subscriber = {
      open: (connection: NatsConnection) => {
        subscription = connection.subscribe(subject, {
          ...(options?.queue ? { queue: options.queue } : {}),
          callback: (error, message) => {
            if (error) this.options.logger.error('bus subscription failed', { subject, error });
            else void this.#deliver(handler as Handler, message);
          },
        });
      },
    };
    this.#subscribers.add(subscriber);
    if (this.#connection && !this.#connection.isClosed()) subscriber.open(this.#connection);
    return () => {
      this.#subscribers.delete(subscriber);
      subscription?.unsubscribe();
      subscription = null;
    };
  }

  onConnect(callback: () => void): () => void {
    this.#connectCallbacks.add(callback);
    if (this.connected) queueMicrotask(() => this.#connectCallbacks.has(callback) && callback());
    return () => void this.#connectCallbacks.delete(callback);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#lost();
    await this.#connection?.close();
    await this.firstConnect;
  }

  /** Until there is a server, or nobody wants one any more. */
  async #connect(): Promise<void> {
    const { url, name, logger, clock } = this.options;
    const { signal } = this.#closing;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const connection = await connect({
          servers: url,
          name,
          maxReconnectAttempts: -1,
          reconnectTimeWait: RETRY_MS,
          reconnectJitter: RETRY_MS,
          pingInterval: PING_MS,
          maxPingOut: 2,
          ignoreClusterUpdates: true,
        });
        if (signal.aborted) return await connection.close();
        return this.#begin(connection);
      } catch (error) {
        if (attempt % 40 === 1) logger.warn('bus unreachable, trying on', { url, error });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #begin(connection: NatsConnection): void {
    this.#connection = connection;
    for (const subscriber of this.#subscribers) subscriber.open(connection);
    void this.#watch(connection);
    this.#gained();
  }

  /** The client resubscribes by itself; this only keeps account of whether somebody is there. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.#lost();
      if (status.type === 'reconnect') this.#gained();
      if (status.type === 'error') this.options.logger.warn('bus reported an error', { error: status.error });
    }
    this.#lost();
  }

  #gained(): void {
    this.connected = true;
    this.options.logger.info('bus connected', { url: this.options.url });
    for (const callback of [...this.#connectCallbacks]) {
      try {
        callback();
      } catch (error) {
        this.options.logger.error('a callback on connect failed', { error });
      }
    }
  }

  #lost(): void {
    if (this.connected && !this.#closing.signal.aborted) this.options.logger.warn('bus disconnected', { url: this.options.url });
    this.connected = false;
    for (const drop of [...this.#pending]) drop(disconnected('the request'));
  }

  async #deliver(handler: Handler, message: Msg): Promise<void> {
    let id: string | undefined;
    try {
      const decoded = decodeMessage(message.string());
      id = decoded.id;
      const result = await handler(decoded.payload, message.subject);
      if (message.reply) message.respond(encodeAnswer(result, id));
    } catch (error) {
      this.options.logger.error('bus handler failed', { subject: message.subject, error });
      this.#answerFailure(message, error, id);
    }
  }

  /** Without a connection there is nobody to answer: the requester has been told already. */
  #answerFailure(message: Msg, error: unknown, id: string | undefined): void {
    if (!message.reply || this.#connection?.isClosed()) return;
    try {
      message.respond(encodeFailure(error, id));
    } catch (failure) {
      this.options.logger.error('a failure could not be answered', { subject: message.subject, error: failure });
    }
  }
}

const disconnected = (what: string): Transient => new Transient('bus.disconnected', `${what}: no connection to the bus`);
