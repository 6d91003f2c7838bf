import { MemoryEventStore } from '#testing';
import { eventStoreContract } from '../../libs/event-store/contract.ts';

// The fake that other specs stand on has to keep the same promises.
eventStoreContract('memory', async () => {
  const history = new MemoryEventStore();
  return {
    store: history,
    reopen: async () => history.reopen(),
    close: async () => history.close(),
  };
});
