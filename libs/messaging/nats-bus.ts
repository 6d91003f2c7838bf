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

/** Connects, waiting as long as it takes; from then on it reconnects by itself, for ever. Whoever is told of a connection, here or
 *  by `onConnect`, finds what this side subscribed to in force: a request from anywhere meets it. */
export async function connectNats(options: NatsOptions): Promise<ClosableBus> {
  const bus = new NatsBus(options);
  await bus.firstConnect;
  return bus;
}

/** As `connectNats`, but doesn't wait: until there is a server, requests fail with `bus.disconnected` and messages are
 *  dropped. For whoever has work to do without a bus: a node's containers live through its absence. */
export const openNats = (options: NatsOptions): ClosableBus => new NatsBus(options);

class NatsBus implements ClosableBus {
  connected = false;
  #connection: NatsConnection | null = null;
  #requests = 0;
  readonly #closing = new AbortController();
  readonly #subscribers = new Set<{ open(connection: NatsConnection): void }>();
  readonly #connectCallbacks = new Set<() => void>();
  /** Rejects the requests that are under way. */
  readonly #pending = new Set<(error: Transient) => void>();
  readonly #firstConnect = Promise.withResolvers<void>();
  readonly #connecting: Promise<void>;
  /** Counts what happens to the connection: what is awaited on one may come when it is lost already. */
  #turns = 0;

  constructor(private readonly options: NatsOptions) {
    this.#connecting = this.#connect();
  }

  /** Settles at the first connection, or when closed before it. */
  get firstConnect(): Promise<void> {
    return this.#firstConnect.promise;
  }

  publish(subject: string, payload: unknown): void {
    // The client would keep it and send it late; what is said here is only worth hearing now.
    if (!this.connected || !this.#connection) return;
    this.#connection.publish(subject, fitting(this.#connection, subject, encodeMessage(subject, payload)));
  }

  async request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply> {
    const connection = this.#connection;
    if (!connection || !this.connected) throw disconnected(subject);
    this.#requests += 1;
    const message = fitting(connection, subject, encodeMessage(subject, payload, String(this.#requests)));
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
    if (this.connected) queueMicrotask(() => this.#connectCallbacks.has(callback) && this.#callBack(callback));
    return () => void this.#connectCallbacks.delete(callback);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#lost();
    await this.#connection?.close();
    await this.#connecting;
    this.#firstConnect.resolve();
  }

  async #connect(): Promise<void> {
    const connection = await this.#reach();
    if (!connection) return;
    if (this.#closing.signal.aborted) return connection.close();
    this.#connection = connection;
    for (const subscriber of this.#subscribers) subscriber.open(connection);
    void this.#watch(connection);
    void this.#announce(connection);
  }

  /** Until there is a server, or nobody wants one any more: null then. */
  async #reach(): Promise<NatsConnection | null> {
    const { url, name, logger, clock } = this.options;
    const { signal } = this.#closing;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await connect({
          servers: url,
          name,
          maxReconnectAttempts: -1,
          reconnectTimeWait: RETRY_MS,
          reconnectJitter: RETRY_MS,
          pingInterval: PING_MS,
          maxPingOut: 2,
          ignoreClusterUpdates: true,
        });
      } catch (error) {
        if (attempt % 40 === 1) logger.warn('bus unreachable, trying on', { url, error });
        await clock.sleep(RETRY_MS, signal);
      }
    }
    return null;
  }

  /** The client resubscribes by itself; this only keeps account of whether somebody is there. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.#lost();
      if (status.type === 'reconnect') void this.#announce(connection);
      if (status.type === 'error') this.options.logger.warn('bus reported an error', { error: status.error });
    }
    this.#lost();
  }

  /** Only once the server has answered is it sure that it has read the subscriptions, which went before. */
  async #announce(connection: NatsConnection): Promise<void> {
    const turn = (this.#turns += 1);
    try {
      await connection.flush();
    } catch (error) {
      // Lost again meanwhile; the next connection is announced.
      return this.options.logger.debug('bus lost before it was ready', { url: this.options.url, error });
    }
    if (turn === this.#turns) this.#gained();
  }

  #gained(): void {
    this.connected = true;
    this.#firstConnect.resolve();
    this.options.logger.info('bus connected', { url: this.options.url });
    for (const callback of [...this.#connectCallbacks]) this.#callBack(callback);
  }

  #callBack(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.options.logger.error('a callback on connect failed', { error });
    }
  }

  #lost(): void {
    if (this.connected && !this.#closing.signal.aborted) this.options.logger.warn('bus disconnected', { url: this.options.url });
    this.connected = false;
    this.#turns += 1;
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

/** @returns it in bytes. @throws RangeError when it is more than the server takes: the client would say so only of what it sends,
 *  and the sender has to cut it (`chunkSet`). */
function fitting({ info }: NatsConnection, subject: string, message: string): Uint8Array {
  const bytes = Buffer.from(message);
  const most = info?.max_payload ?? Infinity;
  if (bytes.length > most) throw new RangeError(`${subject}: ${bytes.length} bytes are more than the ${most} that the bus takes`);
  return bytes;
}

const disconnected = (what: string): Transient => new Transient('bus.disconnected', `${what}: no connection to the bus`);
