import type { Clock } from '#contracts';
import { KeyFile } from './key-file.ts';
import type { ValueStore } from './port.ts';
import { Vault } from './vault.ts';

/** The store that `VALUE_STORE_URL` names: `sqlite:<file>`, `mongodb://…` or `mongodb+srv://…`. @throws Error for any other URL;
 *  Transient `value_store.unavailable` when the file can't be opened. */
export async function openValueStore(url: string, clock: Clock): Promise<ValueStore> {
  // Each is loaded only where it is used: an agent opens none.
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqliteValueStore({ file: url.slice('sqlite:'.length), clock });
  if (!/^mongodb(\+srv)?:/.test(url)) throw new Error('VALUE_STORE_URL names no known store: write sqlite:<path of a file> or mongodb://<host>/<database>');
  return (await import('./mongodb.ts')).openMongoValueStore(url, clock);
}

/** What a process works with that holds the key, and how it is closed. */
export async function openVault(options: { readonly url: string; readonly keyFile: string; readonly clock: Clock }): Promise<{ readonly vault: Vault; close(): Promise<void> }> {
  const keys = await KeyFile.open(options.keyFile);
  const store = await openValueStore(options.url, options.clock);
  return { vault: new Vault(keys, store), close: () => store.close() };
}
