import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { upcast } from '#domain';
import { openEventStore } from '#event-store';
import { createLogger, readConfig, sqliteFile, systemClock, systemRandom } from '#platform';
import { everyView, openReadModelStore, openSqliteReadModels, replay, type DocumentDifference, type ReplayedView } from '#read-models';

const USAGE = `npm run replay -- [--from <position or time>] [--to <position or time>] [--view <name>]…

Folds the log into a fresh read model and compares every document with what clients are answered from, each pair at the same
position, while the platform runs. EVENT_STORE_URL and READ_MODEL_URL say where both are, as for npm run up.

  --from, --to   compare only documents that an event of this part of the log belongs to; both ends are included.
                 A position as answers have it, or an instant like 2026-01-31T12:00:00Z.
  --view         only this view; may be given several times.

Exit code: 0 no difference, 1 differences (one line each), 2 it could not be done.`;

const cancel = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort(new Error(`ended by ${signal}`)));

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' }, view: { type: 'string', multiple: true }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const names = values.view ?? everyView.map(({ schema }) => schema.view);
  const views = everyView.filter(({ schema }) => names.includes(schema.view));
  if (views.length < new Set(names).size) throw new Error(`there is no such view; these are: ${everyView.map(({ schema }) => schema.view).join(', ')}`);

  const config = readConfig(process.env);
  const parts = { clock: systemClock, random: systemRandom, logger: createLogger('replay', { level: 'error' }) };
  await using closing = new AsyncDisposableStack();
  for (const url of [config.eventStoreUrl, config.readModelUrl]) await expectThere(url);
  const store = await openEventStore(config.eventStoreUrl, parts);
  closing.defer(() => store.close());
  const live = await openReadModelStore(config.readModelUrl, parts);
  closing.defer(() => live.close());
  const folder = await mkdtemp(join(tmpdir(), 'waybill-replay-'));
  closing.defer(() => rm(folder, { recursive: true }));
  const fresh = await openSqliteReadModels({ ...parts, file: join(folder, 'fresh.db') });
  closing.defer(() => fresh.close());

  const replayed = await replay({ store, live, fresh, views, upcast, range: values, signal: cancel.signal, onDifference: print, onView: sum });
  const differences = replayed.reduce((total, view) => total + view.differences, 0);
  const unsettled = replayed.reduce((total, view) => total + view.unsettled.length, 0);
  console.log(count(differences, 'difference'));
  if (unsettled > 0) throw new Error(`${unsettled} documents moved too fast to be compared: run it again`);
  return differences === 0 ? 0 : 1;
}

/** Opening would make an empty one. */
async function expectThere(url: string): Promise<void> {
  if (!url.startsWith('sqlite:')) return;
  await access(sqliteFile(url)).catch(() => {
    throw new Error(`there is no ${sqliteFile(url)}: say by WAYBILL_HOME which installation is meant`);
  });
}

function print({ view, id, path, live, replayed }: DocumentDifference): void {
  console.log(`${view} ${id} ${path || '(whole document)'}: live ${text(live)}, replayed ${text(replayed)}`);
}

function sum({ view, events, documents, differences, position }: ReplayedView): void {
  console.log(`${view}: ${count(documents, 'document')} compared, ${count(events, 'event')} folded, up to ${position ?? 'the beginning'}: ${count(differences, 'difference')}`);
}

function count(number: number, thing: string): string {
  return `${number || 'no'} ${thing}${number === 1 ? '' : 's'}`;
}

function text(value: unknown): string {
  return value === undefined ? 'has none' : JSON.stringify(value);
}
