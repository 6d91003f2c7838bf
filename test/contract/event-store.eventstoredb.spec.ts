import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventStore } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { eventStoreContract, type StoreUnderTest } from '../../libs/event-store/contract.ts';
import { openEventStoreDb } from '../../libs/event-store/eventstoredb.ts';
import { ProtocolServer } from '../eventstoredb-server/server.ts';

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

async function onOwnServer(namespace?: string): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-eventstoredb-'));
  const server = await ProtocolServer.start({ file: join(folder, 'events.db') });
  return underTest(server.url, namespace, async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
}

eventStoreContract("EventStoreDB's protocol", () => onOwnServer());

eventStoreContract("EventStoreDB's protocol, in a namespace", () => onOwnServer('tenants'));

// On a real server every test has a namespace of its own. Its events stay there: it should be one made for tests.
if (real) eventStoreContract(`EventStoreDB at ${new URL(real).host}`, () => underTest(real, `test${randomUUID().slice(0, 8)}`, async () => undefined));
else describe('event store: a real EventStoreDB', () => it.todo('passes the same suite where EVENTSTOREDB_URL names one'));
