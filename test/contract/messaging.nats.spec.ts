import { connectNats, openNats, type ClosableBus } from '#messaging';
import { systemClock } from '#platform';
import { MemoryLogger, startNats, type TestBroker } from '#testing';
import { busContract } from '../../libs/messaging/contract.ts';

const connection = (url: string) => ({ url, name: 'contract', logger: new MemoryLogger(), clock: systemClock });

busContract('NATS', async () => {
  const server = await startNats();
  const buses: ClosableBus[] = [];
  return {
    open: async () => {
      const bus = await connectNats(connection(server.url));
      buses.push(bus);
      return bus;
    },
    lose: () => server.kill(),
    recover: () => server.restart(),
    close: async () => {
      for (const bus of buses) await bus.close();
      await server.stop();
    },
  };
});

describe('NATS that comes up late', () => {
  let server: TestBroker;
  beforeEach(async () => {
    server = await startNats();
    await server.kill();
  });
  afterEach(() => server.stop());

  it('is waited for, and finds the subscriptions that were made before', async () => {
    const early = openNats(connection(server.url));
    try {
      expect(early.connected).toBe(false);
      await expect(early.request('t.early', {}, 1_000)).rejects.toMatchObject({ code: 'bus.disconnected' });
      early.subscribe('t.early', () => 'here');
      const connected = new Promise<void>((resolve) => early.onConnect(resolve));
      await server.restart();
      const late = await connectNats(connection(server.url));
      await connected;
      expect(await late.request('t.early', {}, 2_000)).toBe('here');
      await late.close();
    } finally {
      await early.close();
    }
  });

  it('holds up nobody who stops waiting', async () => {
    const bus = openNats(connection(server.url));
    await bus.close();
    expect(bus.connected).toBe(false);
  });
});
