import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Bus, LoggedEvent } from '#contracts';
import { openNats, readEvents } from '#messaging';
import { createLogger, Shutdown, systemClock as clock, systemRandom as random } from '#platform';

/** Tells of each deployment that has ended: a line on the standard output, and a POST to WEBHOOK_URL where one is given.
 *  It may be stopped at any time, and goes on where it was: POSITION_FILE holds how far it has come. */
const { NATS_URL = 'nats://127.0.0.1:4222', POSITION_FILE = 'deployments.position', WEBHOOK_URL } = process.env;

const logger = createLogger('deployments', { level: 'warn', destination: process.stderr });
const shutdown = new Shutdown({ clock, logger });

await shutdown.start(async () => {
  const bus = openNats({ url: NATS_URL, name: 'deployments', logger, clock });
  shutdown.add('bus', () => bus.close());
  const following = follow(bus);
  shutdown.add('the event that is being told of', () => following);
  await following;
});

async function follow(bus: Bus): Promise<void> {
  const onTrouble = ({ message }: Error) => logger.warn('waiting', { reason: message });
  for await (const event of readEvents(bus, { after: kept(), types: ['DeploymentEnded'], clock, random, signal: shutdown.signal, onTrouble })) {
    await tell(event);
    keep(event.position);
  }
}

async function tell({ at, position, data: { deploymentId, outcome, reason } }: LoggedEvent<'DeploymentEnded'>): Promise<void> {
  const line = `${at} ${deploymentId} ${outcome}: ${reason.message}`;
  console.log(line);
  if (!WEBHOOK_URL) return;
  // Killed between this POST and keep(), it posts again when it is back: by this key the receiver knows it.
  const headers = { 'content-type': 'text/plain', 'idempotency-key': position };
  const answer = await fetch(WEBHOOK_URL, { method: 'POST', headers, body: line, signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${WEBHOOK_URL} answered ${answer.status}: it is told of this event again after the next start`);
}

function kept(): string | null {
  try {
    return readFileSync(POSITION_FILE, 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The file is whole at any time: the old one or the new one. */
function keep(position: string): void {
  writeFileSync(`${POSITION_FILE}.new`, `${position}\n`);
  renameSync(`${POSITION_FILE}.new`, POSITION_FILE);
}
