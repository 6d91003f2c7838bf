import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '#contracts';
import { ChainKeeper, headKey, HeadsExport, makeHeadKey, readableHeads, verifyChains, type ChainKeeperParts, type EventStore, type HeadKey, type VerifiedChain } from '#event-store';

interface Parts extends Partial<Pick<ChainKeeperParts, 'quietMs' | 'pollMs'>> {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was found of every chain, and what is wrong with the export itself, in a sentence each. */
export interface Verified {
  readonly chains: readonly VerifiedChain[];
  readonly faults: readonly string[];
}

/** The audit chain of a gateway: its key `audit.key` (0600, made at the first start) with its public part `audit.pub`, and `audit-heads.jsonl`, to
 *  which every head of the store is written, all under `WAYBILL_HOME`. */
export class AuditChain {
  #verifying: Promise<Verified> | null = null;

  private constructor(
    private readonly key: HeadKey,
    private readonly heads: string,
    private readonly parts: Parts,
  ) {}

  /** @throws Error when the key is there and is none */
  static async open(home: string, parts: Parts): Promise<AuditChain> {
    await mkdir(home, { recursive: true, mode: 0o700 });
    return new AuditChain(await openHeadKey(home), join(home, 'audit-heads.jsonl'), parts);
  }

  /** Chains and signs what comes, until aborted. */
  async keep(signal: AbortSignal): Promise<void> {
    const exporting = await HeadsExport.open(this.heads);
    try {
      await new ChainKeeper({ ...this.parts, key: this.key, onHead: (head) => exporting.add(head) }).run(signal);
    } finally {
      await exporting.close();
    }
  }

  /** Holds the whole log against every head, those that were exported too. It takes as long as the log is, so that who asks meanwhile is answered
   *  with what the first one finds. */
  verify(): Promise<Verified> {
    this.#verifying ??= this.#verify().finally(() => (this.#verifying = null));
    return this.#verifying;
  }

  async #verify(): Promise<Verified> {
    const keys: KeyObject[] = [this.key.publicKey];
    const faults: string[] = [];
    // An operator may have laid the export aside.
    const exported = readableHeads(existsSync(this.heads) ? [this.heads] : [], (fault) => faults.push(fault));
    return { chains: await verifyChains({ log: this.parts.store, exported, keys }), faults };
  }
}

/** Reads the key, and makes it where it is lacking: of two gateways that start at once both take the one that came first. */
async function openHeadKey(home: string): Promise<HeadKey> {
  const file = join(home, 'audit.key');
  await makeOnce(file);
  const key = headKey(createPrivateKey(await readFile(file)));
  await writeFile(join(home, 'audit.pub'), key.publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
  return key;
}

async function makeOnce(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(makeHeadKey().privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
