import { MemoryEventStore } from '#testing';
import { eventStoreContract } from '../../libs/event-store/contract.ts';

// The fake that other specs stand on has to keep the same promises.
let opened = 0;
eventStoreContract(
  'memory',
  async () => {
    const store = new MemoryEventStore(`store_${(opened += 1)}`);
    return { store, close: () => store.close() };
  },
  { oneHandle: true },
);
