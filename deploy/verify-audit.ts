import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openEventStore, openSqliteLog, readableHeads, readHeadsFile, verifyChains, type RawLog, type VerifiedChain } from '#event-store';
import { createLogger, readConfig, systemClock, systemRandom } from '#platform';

const USAGE = `npm run verify-audit -- [--store <file or URL>] [--heads <file>]… [--key <file>]… [--json]

Chains every event of a store anew and holds the result against the signed heads: whether nothing was changed, added, moved or
removed. Nothing of Waybill has to run, and an SQLite file is only read: a copy will do (with its -wal file, if there is one).

  --store   an SQLite file, or a URL as EVENT_STORE_URL has it; default: EVENT_STORE_URL, or events.db under WAYBILL_HOME.
  --heads   heads that were kept elsewhere: an audit-heads.jsonl, or a copy of it. A store that lost its last events together with
            their heads can be told by nothing else. Default: the one under WAYBILL_HOME; with --store only if it is of that store.
  --key     the public key (PEM) of who may sign. Default: audit.pub under WAYBILL_HOME; with --store only if the heads there are of that store;
            without any, signatures aren't looked at, and it says so.
  --json    the findings as one JSON object.

Exit code: 0 all is as it was signed, 1 it isn't (and where), 2 it could not be looked at.`;

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

interface Opened {
  readonly log: RawLog;
  readonly faults: () => string[];
  readonly close: () => unknown;
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { store: text, heads: { ...text, multiple: true }, key: { ...text, multiple: true }, json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const config = readConfig(process.env);
  const { log, faults, close } = await openLog(values.store ?? config.eventStoreUrl);
  try {
    // The store of this very home has its heads there: where they are of another one, the store was exchanged.
    const own = values.store === undefined ? existsSync(headsIn(config.home)) : await isOwn(config.home, log.storeId);
    const heads = (values.heads ?? (own ? [headsIn(config.home)] : [])).map((file) => resolve(file));
    for (const file of heads) if (!existsSync(file)) throw new Error(`there is no ${file}: --heads names an export of heads`);
    const keys = (values.key ?? (own ? [join(config.home, 'audit.pub')] : [])).map(readKey);
    const [wrong, chains] = await judged(log, faults, heads, keys);
    const valid = wrong.length === 0 && chains.every(({ broken }) => broken === null);
    if (values.json) console.log(JSON.stringify({ valid, store_id: log.storeId, faults: wrong, projects: chains.map(answer) }, null, 2));
    else tell({ valid, wrong, chains, heads, keys });
    return valid ? 0 : 1;
  } finally {
    await close();
  }
}

/** A file may be so damaged that it can't be read to its end: that is a finding, too. */
async function judged(log: RawLog, faults: () => string[], heads: readonly string[], keys: readonly KeyObject[]): Promise<[string[], VerifiedChain[]]> {
  const wrong = faults();
  try {
    return [wrong, await verifyChains({ log, exported: readableHeads(heads, (fault) => wrong.push(fault)), keys: keys.length > 0 ? keys : undefined })];
  } catch (error) {
    return [[...wrong, `the log can't be read to its end: ${(error as Error).message}`], []];
  }
}

async function openLog(store: string): Promise<Opened> {
  if (/^esdb(\+discover)?:/.test(store)) {
    const log = await openEventStore(store, { clock: systemClock, random: systemRandom, logger: createLogger('verify-audit', { level: 'error' }) });
    return { log, faults: () => [], close: () => log.close() };
  }
  const file = resolve(store.replace(/^sqlite:/, ''));
  if (!existsSync(file)) throw new Error(`there is no ${file}: say by --store, or by WAYBILL_HOME, which store is meant`);
  const log = openSqliteLog(file);
  return { log, faults: () => log.faults(), close: () => log.close() };
}

function headsIn(home: string): string {
  return join(home, 'audit-heads.jsonl');
}

/** Whether what lies under a home was signed for this store. */
async function isOwn(home: string, storeId: string): Promise<boolean> {
  if (!existsSync(headsIn(home))) return false;
  for await (const head of readHeadsFile(headsIn(home))) return head.storeId === storeId;
  return false;
}

function readKey(file: string): KeyObject {
  return createPublicKey(readFileSync(file));
}

function answer({ chain, events, sealed, head, broken }: VerifiedChain): object {
  return { project_id: chain, events, sealed, head, broken_at: broken?.at ?? null, broken_up_to: broken?.upTo ?? null, reason: broken?.reason ?? null };
}

function tell({ valid, wrong, chains, heads, keys }: { valid: boolean; wrong: readonly string[]; chains: readonly VerifiedChain[]; heads: readonly string[]; keys: readonly KeyObject[] }): void {
  for (const fault of wrong) console.log(fault);
  for (const { chain, events, sealed, broken } of chains) {
    console.log(broken ? `${chain}: BROKEN between ${broken.at} and ${broken.upTo}: ${broken.reason}` : `${chain}: ${events} events, the first ${sealed} of them as they were signed`);
  }
  console.log(heads.length > 0 ? `heads that were kept elsewhere: ${heads.join(', ')}` : 'no heads that were kept elsewhere: a tail that went with its heads is not seen (--heads)');
  if (keys.length === 0) console.log('no key: who signed was not looked at (--key)');
  console.log(valid ? 'valid' : 'BROKEN');
}
