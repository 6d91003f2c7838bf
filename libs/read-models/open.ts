import type { Clock, Logger, Random } from '#contracts';
import { ConfigError, sqliteFile } from '#platform';
import type { ReadModelStore } from './port.ts';
import { openSqliteReadModels } from './sqlite.ts';

/** The store that `READ_MODEL_URL` names: `sqlite:<file>`, `mongodb://…` or `mongodb+srv://…`. A MongoDB server that is away is waited for
 *  by whoever uses the store, not here. @throws ConfigError for any other URL. */
export async function openReadModelStore(url: string, parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger }): Promise<ReadModelStore> {
  if (url.startsWith('sqlite:')) return openSqliteReadModels({ ...parts, file: sqliteFile(url) });
  if (!/^mongodb(\+srv)?:/.test(url)) throw new ConfigError('READ_MODEL_URL names no known store: write sqlite:<path of a file> or mongodb://<host>/<database>');
  // Loaded only where it is used: the driver is much to load for a process that reads a file.
  const { openMongoReadModels } = await import('./mongodb.ts');
  return openMongoReadModels({ ...parts, url });
}
