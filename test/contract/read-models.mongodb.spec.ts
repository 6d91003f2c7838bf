import { openMongoReadModels, type ReadModelStore } from '#read-models';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { readModelContract } from '../../libs/read-models/contract.ts';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';

const mongo = await mongoForTests();

if ('missing' in mongo) {
  describe('read models: MongoDB', () => {
    it.skip(`was NOT tried: ${mongo.missing}`, () => undefined);
  });
} else {
  afterAll(() => mongo.close());
  const openAt = (url: string): Promise<ReadModelStore> => openMongoReadModels({ url, clock: systemClock, random: systemRandom, logger: new MemoryLogger() });

  readModelContract(`MongoDB (${mongo.name})`, async () => {
    const database = mongo.database();
    const handles: ReadModelStore[] = [];
    const reopen = async (): Promise<ReadModelStore> => {
      const models = await openAt(database.url);
      handles.push(models);
      return models;
    };
    return {
      models: await reopen(),
      reopen,
      close: async () => {
        for (const models of handles) await models.close();
        await database.drop();
      },
    };
  });
}
