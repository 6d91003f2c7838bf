import type { Clock } from '#contracts';
import { KeyFile } from './key-file.ts';
import { openValueStore } from './open.ts';
import { Vault } from './vault.ts';

/** What a rotation did. */
export interface Rotated {
  /** The id of the new key. */
  readonly kek: string;
  /** Data keys that it wraps now. */
  readonly rewrapped: number;
  /** Ids of older keys that were taken out of the file, since nothing is wrapped by them. */
  readonly dropped: readonly string[];
}

/** A new key-encryption key, by which every data key is wrapped anew, while the platform runs: it reads the file each time. The key before it stays in
 *  the file until the next rotation, for what is being wrapped by it at that moment. One that a crash stopped half-way is made good by the next.
 *  @throws Error where there is no key file, or another rotation writes it; as `Vault.rewrap`: the new key is in force then, and nothing is lost. */
export async function rotateKey({ url, keyFile, clock }: { readonly url: string; readonly keyFile: string; readonly clock: Clock }): Promise<Rotated> {
  const keys = await KeyFile.existing(keyFile);
  const store = await openValueStore(url, clock);
  try {
    const kek = await keys.rotate();
    const rewrapped = await new Vault(keys, store).rewrap();
    return { kek, rewrapped, dropped: await keys.drop(await store.keksInUse()) };
  } finally {
    await store.close();
  }
}
