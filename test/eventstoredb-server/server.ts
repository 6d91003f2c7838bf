/** A server that speaks EventStoreDB's protocol, for tests: one file of the SQLite event store behind the gRPC services that the
 *  client calls.
 *
 *  It follows what EventStoreDB documents of itself, 24.2 to 24.10 (docs.kurrent.io, the server's changelog):
 *  - An append is whole or not at all. Revisions count from 0. `any`, `no_stream`, `stream_exists` or a number is expected;
 *    a wrong one is answered with the expected and the current one, and nothing is written.
 *  - Idempotence: at a number below the current revision, or at `no_stream`, the ids of the events that stand from there on are
 *    compared, and the same ones answered as before. At the current revision nothing is compared: the same ids stand twice then.
 *    For `any` and `stream_exists` recent ids are remembered, in memory only.
 *  - A position is (commit, prepare): an event stands at twice the same number, numbers have gaps; a checkpoint may be between two
 *    events. Subscriptions begin after a position, reads at it.
 *  - A filtered subscription to `$all` looks at pages of `maxSearchWindow` events (32 without) that end early at 32 that pass. It
 *    sends a checkpoint at the end of a page once `checkpointInterval` windows were looked at, and once more at the log's end:
 *    each is where the last page began or the last event that was passed on, so it stays behind what was looked at. `caughtUp`
 *    follows, once; where there was nothing to catch up with, without a checkpoint. Live a checkpoint comes exactly after each
 *    interval. Subscriptions don't survive their connection.
 *  - A deleted stream reads as not found and may begin again, above its old revisions; a tombstone is for good, refuses appends
 *    and reads, and `$all` shows it as `$streamDeleted`.
 *  - A member that isn't the leader refuses calls that require it, and names it. Errors carry the headers that clients read.
 *
 *  It differs from a real server in this, as far as is known:
 *  - Events are JSON; there are no ACLs, links, projections, persistent subscriptions, scavenging, `$maxAge`, `$maxCount`, statistics
 *    and no other events of the server's own, so `$all` is empty at first.
 *  - There are no filtered reads (the client has none), no subscriptions to single streams.
 *  - A cluster is what a test says it is: members share one file, followers serve every call that doesn't require the leader, and
 *    don't forward appends. `Gossip` tells what it was told.
 *  - A `$streamDeleted` stands at the next revision, not at the greatest possible one.
 *  - Credentials are one pair for everything. Without TLS none are looked at, as in a real server's insecure mode.
 *  - A subscriber that is slow isn't sent back to catching up, but waited for.
 *  - Appends to one stream are written one after the other. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { openSqliteEventStore, type EventStore } from '#event-store';
import { systemClock } from '../../libs/platform/clock.ts';
import { append } from './appends.ts';
import { batchAppend } from './batch-appends.ts';
import { remove } from './deletes.ts';
import { Faults } from './faults.ts';
import { Gate } from './gate.ts';
import { Log } from './log.ts';
import { clusterInfo, supportedMethods, type Member } from './members.ts';
import { read } from './reads.ts';
import { refusal } from './wire.ts';

export interface ServerOptions {
  /** The SQLite file; made where it is lacking. */
  readonly file: string;
  /** Default: any free one. */
  readonly port?: number;
  /** A certificate and its key, as PEM; without them there is no TLS. */
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
  /** With TLS: whoever doesn't say these is refused. */
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** One running server, on 127.0.0.1. */
export class ProtocolServer {
  readonly faults: Faults;
  /** What `Gossip` answers; by default this server alone, as the leader. */
  members: readonly Member[];

  private constructor(
    private readonly grpc: Server,
    private readonly store: EventStore,
    private readonly gate: Gate,
    private readonly options: ServerOptions,
  ) {
    this.faults = new Faults(() => gate.cut());
    this.members = [{ host: '127.0.0.1', port: gate.port, isLeader: true }];
  }

  static async start(options: ServerOptions): Promise<ProtocolServer> {
    const silent = (): void => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const store = await openSqliteEventStore({ file: options.file, clock: systemClock, random: Math.random, logger, pollMs: 50 });
    const grpc = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
    let behind = 0;
    const gate = await Gate.open(options.port ?? 0, () => behind);
    const server = new ProtocolServer(grpc, store, gate, options);
    server.serve(new Log(store));
    behind = await bound(grpc, options.tls);
    return server;
  }

  get port(): number {
    return this.gate.port;
  }

  /** What a client connects to, without credentials. */
  get url(): string {
    return `esdb://127.0.0.1:${this.port}${this.options.tls ? '' : '?tls=false'}`;
  }

  /** Drops every connection; new ones are let in. */
  cut(): void {
    this.gate.cut();
  }

  async stop(): Promise<void> {
    await this.gate.close();
    this.grpc.forceShutdown();
    await this.store.close();
  }

  private serve(log: Log): void {
    const { grpc, faults } = this;
    const guarded = this.guard.bind(this);
    grpc.addService(streamsGrpc.StreamsService, {
      read: guarded((call) => void read(log, faults, call)),
      append: guarded((call, answer) => void append(log, faults, call, answer!)),
      batchAppend: guarded((call) => batchAppend(log, faults, call)),
      delete: guarded((call, answer) => void remove(log, faults, call, answer!)),
      tombstone: guarded((call, answer) => void remove(log, faults, call, answer!)),
    });
    grpc.addService(featuresGrpc.ServerFeaturesService, { getSupportedMethods: guarded((_call, answer) => answer!(null, supportedMethods())) });
    grpc.addService(gossipGrpc.GossipService, { read: guarded((_call, answer) => answer!(null, clusterInfo(this.members))) });
  }

  /** Calls of whoever doesn't say the credentials end at once. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- gRPC's four kinds of handlers have no type in common
  private guard(handle: (call: any, answer?: any) => void): (call: any, answer?: any) => void {
    const { tls, credentials } = this.options;
    if (!tls || !credentials) return handle;
    const right = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    return (call, answer) => {
      if (call.metadata.get('authorization')[0] === right) return handle(call, answer);
      const refused = refusal(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
      if (answer) answer(refused);
      else call.emit('error', refused);
    };
  }
}

function bound(grpc: Server, tls: ServerOptions['tls']): Promise<number> {
  const credentials = tls
    ? ServerCredentials.createSsl(null, [{ cert_chain: tls.certificate, private_key: tls.key }])
    : ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => grpc.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))));
}
