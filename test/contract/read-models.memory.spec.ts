import { MemoryReadModels } from '#testing';
import { readModelContract } from '../../libs/read-models/contract.ts';

readModelContract('memory', async () => {
  const models = new MemoryReadModels();
  return { models, reopen: async () => models, close: () => models.close() };
});
