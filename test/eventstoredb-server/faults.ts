import { status, type ServiceError } from '@grpc/grpc-js';
import { refusal } from './wire.ts';

/** What goes wrong with one append. */
export type AppendFault =
  /** It is written, and the connection cut before the answer. */
  | 'lose answer'
  /** The connection is cut, and nothing written. */
  | 'lose request'
  /** The connection is cut, and it is written a moment later. */
  | 'land late'
  /** It is written and never answered; the connection stays. */
  | 'stay silent'
  /** It is written, and the server says that its own commit took too long. */
  | 'time out'
  /** Nothing is written: the server says that it is still starting. */
  | 'not ready';

const LATE_MS = 200;

/** What a test has gone wrong. Nothing does by itself. */
export class Faults {
  /** Milliseconds that every answer to an append is kept back. */
  delayMs = 0;
  /** This member is a follower: calls that ask for the leader are sent there. */
  leader: { readonly host: string; readonly port: number } | null = null;
  private readonly appends: AppendFault[] = [];

  /** @param cut drops every connection of every client at once */
  constructor(private readonly cut: () => void) {}

  /** The next appends go wrong so, one after another. */
  next(...faults: AppendFault[]): void {
    this.appends.push(...faults);
  }

  /** Carries an append out, or not, as told. @returns null when there is to be no answer. @throws a status */
  async append<T>(write: () => Promise<T>): Promise<T | null> {
    const fault = this.appends.shift();
    if (fault === 'not ready') throw refusal(status.UNAVAILABLE, 'Server Is Not Ready');
    if (fault === 'lose request' || fault === 'land late') {
      this.cut();
      if (fault === 'land late') setTimeout(() => void write(), LATE_MS);
      return null;
    }
    const done = await write();
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (fault === 'time out') throw refusal(status.ABORTED, 'Operation timed out: Commit phase timeout.');
    if (fault === 'lose answer') this.cut();
    return fault === undefined ? done : null;
  }

  /** @throws the status that names the leader, where another member is it and the caller asks for it */
  followerRefusal(metadata: { get(name: string): unknown[] }): ServiceError | null {
    if (this.leader === null || metadata.get('requires-leader')[0] !== 'true') return null;
    const { host, port } = this.leader;
    return refusal(status.NOT_FOUND, 'Leader info available', {
      exception: 'not-leader',
      'leader-endpoint-host': host,
      'leader-endpoint-port': String(port),
    });
  }
}
