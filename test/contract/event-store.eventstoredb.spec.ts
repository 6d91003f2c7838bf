import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { EventStore, NewEvent } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { eventStoreContract, type StoreUnderTest } from '../../libs/event-store/contract.ts';
import { openEventStoreDb } from '../../libs/event-store/eventstoredb.ts';
import { ProtocolServer } from '../eventstoredb-server/server.ts';

// A protocol between takes its time, on a busy machine more than Jest's 5 s.
jest.setTimeout(30_000);

const real = process.env.EVENTSTOREDB_URL;

/** Opens handles on one history. @param end what to do after all of them were closed */
async function underTest(url: string, namespace: string | undefined, end: () => Promise<void>): Promise<StoreUnderTest> {
  const handles: EventStore[] = [];
  const reopen = async (): Promise<EventStore> => {
    const store = await openEventStoreDb({ url, namespace, clock: systemClock, random: systemRandom, logger: new MemoryLogger() });
    handles.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of handles) await store.close();
    await end();
  };
  return { store: await reopen(), reopen, close };
}

async function startServer(): Promise<{ url: string; end: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-eventstoredb-'));
  const server = await ProtocolServer.start({ file: join(folder, 'events.db') });
  const end = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  return { url: server.url, end };
}

eventStoreContract("EventStoreDB's protocol", async () => {
  const { url, end } = await startServer();
  return underTest(url, undefined, end);
});

// On a real server every test has a namespace of its own. Its events stay there: it should be one made for tests.
if (real) eventStoreContract(`EventStoreDB at ${new URL(real).host}`, () => underTest(real, `test${randomUUID().slice(0, 8)}`, async () => undefined));
else describe('event store: a real EventStoreDB', () => it.todo('passes the same suite where EVENTSTOREDB_URL names one'));

describe("event store: EventStoreDB's protocol, several histories on one server", () => {
  it('sees of each only what is in its namespace, and no end where that is empty', async () => {
    const { url, end } = await startServer();
    const [one, two] = [await underTest(url, 'one', async () => undefined), await underTest(url, 'two', end)];
    const { position } = await one.store.append('job-a', 'no-stream', [event('a')]);
    expect(two.store.storeId).not.toBe(one.store.storeId);
    for (const prefixes of [undefined, ['job-']]) {
      expect(await one.store.readAll(null, { prefixes, limit: 9 })).toMatchObject({ events: [{ stream: 'job-a', position }], next: position });
      expect(await two.store.readAll(null, { prefixes, limit: 9 })).toEqual({ events: [], next: null });
    }
    await two.store.append('job-a', 'no-stream', [event('b')]);
    for await (const followed of two.store.follow(null, ['job-'], new AbortController().signal)) {
      expect(followed).toMatchObject({ event: { stream: 'job-a', data: { name: 'b' } } });
      break;
    }
    await one.close();
    await two.close();
  });
});

const event = (name: string): NewEvent => ({
  id: randomUUID(),
  type: 'Counted',
  data: { name },
  metadata: {
    commandId: name,
    tenantId: 'platform',
    actor: { type: 'system', id: 'spec' },
    originId: null,
    correlationId: name,
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
});
