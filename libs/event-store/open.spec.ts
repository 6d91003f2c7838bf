import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEventStore, MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { openEventStore, storeReadiness } from './open.ts';
import { Unavailable } from './port.ts';

const options = { clock: new VirtualClock(), random: seededRandom(1), logger: new MemoryLogger() };

describe('opening the event store that the environment names', () => {
  it('opens a SQLite file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-open-'));
    const store = await openEventStore(`sqlite:${join(folder, 'events.db')}`, options);
    expect(await storeReadiness(store)).toEqual({ ok: true, detail: 'it can be read' });
    await store.close();
    expect(await storeReadiness(store)).toMatchObject({ ok: false });
    await rm(folder, { recursive: true });
  });

  it('goes to EventStoreDB for its URLs, and refuses one that can not be used before it waits for anything', async () => {
    for (const scheme of ['esdb', 'esdb+discover']) await expect(openEventStore(`${scheme}://localhost?colour=red`, options)).rejects.toThrow('"colour" is no option');
  });

  it('knows no other stores', async () => {
    await expect(openEventStore('postgres://localhost', options)).rejects.toThrow('write sqlite:<path of a file> or esdb://<host>:2113');
  });

  it('takes only unavailability for degraded: anything else is a bug', async () => {
    const broken = (error: Error) => Object.assign(new MemoryEventStore(), { readAll: () => Promise.reject(error) });
    expect(await storeReadiness(broken(new Unavailable('no server')))).toEqual({ ok: false, detail: 'degraded: no server' });
    await expect(storeReadiness(broken(new TypeError('bug')))).rejects.toThrow('bug');
  });
});
