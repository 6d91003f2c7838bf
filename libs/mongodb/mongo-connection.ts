import { MongoClient, MongoError, MongoNetworkError, type Db, type MongoClientOptions } from 'mongodb';
import type { Clock, Logger } from '#contracts';

export interface MongoConnectionOptions {
  /** `mongodb://…` or `mongodb+srv://…`; the database is the path's. What the URL says goes before what is set here. */
  readonly url: string;
  /** The database, where the URL names none. */
  readonly database: string;
  readonly clock: Clock;
  /** Hears when the driver is replaced. */
  readonly logger?: Logger;
  /** Beside how long is waited for a server. */
  readonly client?: Pick<MongoClientOptions, 'journal'>;
}

/** Who asks would rather hear that the server is away than wait longer. Milliseconds. */
const LIMITS = { serverSelectionTimeoutMS: 2_000, connectTimeoutMS: 2_000, heartbeatFrequencyMS: 2_000, w: 'majority' } as const;

/** A heartbeat has its end within twice `connectTimeoutMS`, or a little more than `heartbeatFrequencyMS` where the server is to wait. One that hasn't is lost. */
const LOST_HEARTBEAT_MS = 10_000;
/** What reads or writes documents has its end long before: two seconds for finding a server, and an answer that takes milliseconds. */
const LOST_REQUEST_MS = 15_000;

/** The way to a MongoDB server. It connects when it is first used; the driver finds a server that was away by itself.
 *
 *  But for what it loses: where a connection is closed by the other side in the moment that it writes, the driver (7.9) waits without end for that socket to
 *  drain. If that is its monitor's connection, it never looks again whether the server is back; if another one, that request has no end. So whoever finds
 *  the server away, and a heartbeat that began long ago without an end, or waits for an answer for a quarter of a minute, has the driver replaced by a new one. */
export class MongoConnection {
  #client: MongoClient;
  /** A first connection that failed the driver doesn't try again. */
  #connected: Promise<unknown> | null = null;
  /** When the heartbeats began that have no end yet, by the server's address. */
  readonly #heartbeats = new Map<string, number>();

  /** Nothing is asked of the server yet. @throws the driver's MongoParseError for a URL that is none */
  constructor(private readonly options: MongoConnectionOptions) {
    this.#client = this.#open();
  }

  get db(): Db {
    return this.#client.db(databaseOf(this.options));
  }

  /** For specs. */
  get client(): MongoClient {
    return this.#client;
  }

  /** @param work what may be asked again: where it has no end it is given up, and may be done later @throws the driver's errors */
  ask<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.askPatiently((db) => this.#inTime(() => work(db)));
  }

  /** The same of what may take long: indexes of many documents. */
  async askPatiently<T>(work: (db: Db) => Promise<T>): Promise<T> {
    const client = this.#client;
    try {
      await this.#connect(client);
      return await work(this.db);
    } catch (error) {
      if (error instanceof MongoError && this.#hasLostHeartbeat()) this.#replace(client, 'a heartbeat has no end');
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #connect(client: MongoClient): Promise<void> {
    try {
      await (this.#connected ??= client.connect());
    } catch (error) {
      if (client === this.#client) this.#connected = null;
      throw error;
    }
  }

  async #inTime<T>(work: () => Promise<T>): Promise<T> {
    const client = this.#client;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.options.clock.after(LOST_REQUEST_MS, () => {
      this.#replace(client, 'a request has no end');
      reject(new MongoNetworkError(`it has not answered within ${LOST_REQUEST_MS / 1000} s`));
    });
    const done = work();
    // Given up, it may still fail, when nobody listens any more.
    done.catch(() => undefined);
    try {
      return await Promise.race([done, late]);
    } finally {
      cancel();
    }
  }

  #hasLostHeartbeat(): boolean {
    const now = this.options.clock.monotonic();
    return [...this.#heartbeats.values()].some((began) => now - began > LOST_HEARTBEAT_MS);
  }

  /** Once for each driver, whoever finds it first. */
  #replace(lost: MongoClient, why: string): void {
    if (lost !== this.#client) return;
    this.options.logger?.warn('the driver of MongoDB has lost its server, and is replaced', { reason: why });
    this.#client = this.#open();
    this.#connected = null;
    lost.close().catch(() => undefined);
  }

  #open(): MongoClient {
    const { url, clock, logger } = this.options;
    const client = new MongoClient(url, { appName: 'waybill', ...this.options.client, ...unlessAsked(url, LIMITS) });
    this.#heartbeats.clear();
    const ended = (address: string): void => void (client === this.#client && this.#heartbeats.delete(address));
    client.on('serverHeartbeatStarted', ({ connectionId }) => void (client === this.#client && this.#heartbeats.set(connectionId, clock.monotonic())));
    client.on('serverHeartbeatSucceeded', ({ connectionId }) => ended(connectionId));
    client.on('serverHeartbeatFailed', ({ connectionId, failure }) => {
      ended(connectionId);
      logger?.debug('MongoDB does not answer', { error: failure });
    });
    client.on('serverClosed', ({ address }) => ended(address));
    return client;
  }
}

/** Names in a MongoDB URL are the same in any case. */
function unlessAsked(url: string, limits: Readonly<Record<string, string | number>>): object {
  const asked = new Set([...new URLSearchParams(url.split('?')[1]).keys()].map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !asked.has(name.toLowerCase())));
}

const databaseOf = ({ url, database }: Pick<MongoConnectionOptions, 'url' | 'database'>): string => decodeURIComponent(/^[^:]+:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1] ?? database);
