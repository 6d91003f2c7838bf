import { systemClock } from '#platform';
import { MemoryBroker, type MemoryBus } from '#testing';
import { busContract } from '../../libs/messaging/contract.ts';

busContract('memory', async () => {
  const broker = new MemoryBroker(systemClock);
  const buses: MemoryBus[] = [];
  return {
    open: async () => {
      const bus = broker.bus(`bus ${buses.length}`);
      buses.push(bus);
      return bus;
    },
    lose: async () => buses.forEach((bus) => bus.disconnect()),
    recover: async () => buses.forEach((bus) => bus.reconnect()),
    close: async () => {
      for (const bus of buses) await bus.close();
    },
  };
});
