import { DatabaseSync } from 'node:sqlite';
import { Conflict, eventIdOf, openSqliteEventStore, type NewEvent } from '#event-store';
import { systemClock } from '../../libs/platform/clock.ts';

/** Another process on the same file: `node event-store.process.ts <file> append <name> <count>`, or `<file> hold`. */
const [, , file = '', role, name = '', count = '0'] = process.argv;

/** Appends `count` events to a stream that others append to as well, each at the revision that it saw. */
async function append(): Promise<void> {
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const store = await openSqliteEventStore({ file, clock: systemClock, random: Math.random, logger });
  let conflicts = 0;
  for (let index = 0; index < Number(count); ) {
    let revision: bigint | null = null;
    for await (const event of store.readStream('job-shared')) revision = event.revision;
    try {
      await store.append('job-shared', revision ?? 'no-stream', [event(index)]);
      index += 1;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      conflicts += 1;
    }
  }
  await store.close();
  console.log(JSON.stringify({ storeId: store.storeId, conflicts }));
}

/** Takes the lock for writing, says so, and gives it back when told to go on after a freeze. */
function hold(): void {
  const db = new DatabaseSync(file);
  db.exec('BEGIN IMMEDIATE');
  process.on('SIGCONT', () => {
    db.exec('ROLLBACK');
    db.close();
    process.exit();
  });
  console.log('holding');
}

const event = (index: number): NewEvent => ({
  id: eventIdOf(name, 'job-shared', index),
  type: 'Counted',
  data: { name, index },
  metadata: {
    commandId: `${name}-${index}`,
    tenantId: 'platform',
    actor: { type: 'system', id: name },
    originId: null,
    correlationId: name,
    causationId: null,
    at: '2026-01-01T00:00:00.000Z',
    schema: 1,
  },
});

// The clock's timers don't keep a process alive.
const alive = setInterval(() => undefined, 1_000);
if (role === 'hold') hold();
else await append().finally(() => clearInterval(alive));
