import type { Clock } from '#contracts';
import type { IdentityStore } from './port.ts';

/** The store that `IDENTITY_STORE_URL` names: `sqlite:<file>`, `mongodb://…` or `mongodb+srv://…`. @throws Error for any other URL;
 *  Transient `identity_store.unavailable` when the file can't be opened. */
export async function openIdentityStore(url: string, clock: Clock): Promise<IdentityStore> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqliteIdentities({ file: url.slice('sqlite:'.length), clock });
  if (!/^mongodb(\+srv)?:/.test(url)) throw new Error('IDENTITY_STORE_URL names no known store: write sqlite:<path of a file> or mongodb://<host>/<database>');
  return (await import('./mongodb.ts')).openMongoIdentities(url, clock);
}
