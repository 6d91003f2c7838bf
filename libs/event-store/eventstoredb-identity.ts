import { jsonEvent } from '@eventstore/db-client';
import type { Clock, Logger, Random } from '#contracts';
import type { Connection } from './eventstoredb-connection.ts';
import { STORE_STREAM, type StreamNames } from './eventstoredb-events.ts';
import { conflictOf, failureOf, isAccessDenied, isStreamNotFound, readFailure } from './eventstoredb-failures.ts';
import { Incoming } from './eventstoredb-incoming.ts';

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

interface Parts {
  readonly connection: Connection;
  readonly names: StreamNames;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The id of the history on the server: what the first event of a stream of its own says. Where that is lacking, `newId` becomes
 *  it, unless another process was faster: the stream is begun at `no_stream`, so there is one first event.
 *  Waits for a server that doesn't answer. @throws Unavailable when the credentials are turned down; the client's error for what
 *  won't work by waiting */
export async function identify(parts: Parts, newId: string): Promise<string> {
  const { clock, random, logger } = parts;
  for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
    try {
      const id = (await readId(parts)) ?? (await claimId(parts, newId)) ?? (await readId(parts));
      if (id !== null) return id;
    } catch (error) {
      if (isAccessDenied(error) || failureOf(error) === 'final') throw readFailure(error);
      logger.warn('event store does not answer yet', { error });
    }
    await clock.sleep(backoff * (0.5 + random() / 2));
  }
}

async function readId({ connection: { client, call, deadlineMs }, names, clock }: Parts): Promise<string | null> {
  const first = new Incoming<{ event?: { data: unknown } }>(client.readStream(names.onServer(STORE_STREAM), { ...call, maxCount: 1 }), clock);
  try {
    const found = await first.next(deadlineMs);
    return (found?.event?.data as { store_id: string } | undefined)?.store_id ?? null;
  } catch (error) {
    if (isStreamNotFound(error)) return null;
    throw error;
  } finally {
    first.close();
  }
}

/** @returns null where another one stands by now. A lost answer comes out at the next look. */
async function claimId({ connection: { client, call, deadlineMs }, names }: Parts, newId: string): Promise<string | null> {
  const made = jsonEvent({ id: newId, type: 'WaybillStoreMade', data: { store_id: newId }, metadata: {} });
  try {
    await client.appendToStream(names.onServer(STORE_STREAM), made, { ...call, deadline: deadlineMs, expectedRevision: 'no_stream' });
    return newId;
  } catch (error) {
    if (conflictOf(error)) return null;
    throw error;
  }
}
