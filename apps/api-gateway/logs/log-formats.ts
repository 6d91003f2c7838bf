import type { Clock } from '#contracts';
import { EVENT_STREAM } from '../edge/sse.ts';
import type { TextStream } from '../edge/stream-text.ts';
import type { LogItem, LogNotice } from './read-logs.ts';
import type { FORMATS } from './logs.dto.ts';

type Batches = AsyncIterable<readonly LogItem[]>;

/** How the output is written out: what kind of body it is, and its text. */
export interface LogFormat extends TextStream {
  readonly write: (batches: Batches, clock: Clock) => AsyncIterable<string>;
}

export const logFormats: Readonly<Record<(typeof FORMATS)[number], LogFormat>> = {
  /** One object, `{items, cut, missing}`, made while it is sent. */
  json: { contentType: 'application/json; charset=utf-8', resumes: false, write: asObject },
  /** A line of JSON for each line, with its `id`; a notice has `kind: "notice"`. */
  jsonl: { contentType: 'application/x-ndjson; charset=utf-8', resumes: false, write: (batches, clock) => each(batches, (item) => `${JSON.stringify(jsonLine(item, clock))}\n`) },
  /** A message for each line, with its `id`; a notice is an event of its own type without an id, so that it moves no reader on. */
  sse: { ...EVENT_STREAM, write: (batches, clock) => each(batches, (item) => serverEvent(item, clock)) },
};

async function* each(batches: Batches, text: (item: LogItem) => string): AsyncGenerator<string> {
  for await (const batch of batches) yield batch.map(text).join('');
}

const jsonLine = (item: LogItem, clock: Clock): object => ('line' in item ? { ...item.line, id: item.id } : noticeAnswer(item.notice, clock));

const serverEvent = (item: LogItem, clock: Clock): string =>
  'line' in item ? `id: ${item.id}\ndata: ${JSON.stringify(item.line)}\n\n` : `event: notice\ndata: ${JSON.stringify(noticeAnswer(item.notice, clock))}\n\n`;

const noticeAnswer = ({ code, message, replica_id, node_id }: LogNotice, clock: Clock): object => ({
  kind: 'notice', at: new Date(clock.now()).toISOString(), code, message, replica_id, node_id,
});

async function* asObject(batches: Batches): AsyncGenerator<string> {
  const missing = new Map<string, string>();
  let cut = false;
  let separator = '';
  yield '{"items":[';
  for await (const batch of batches) {
    const lines: string[] = [];
    for (const item of batch) {
      if ('line' in item) lines.push(JSON.stringify(item.line));
      else if (item.notice.code === 'cut') cut = true;
      else if (item.notice.code === 'node_silent' && item.notice.replica_id) missing.set(item.notice.replica_id, item.notice.message);
    }
    if (lines.length === 0) continue;
    yield separator + lines.join(',');
    separator = ',';
  }
  yield `],"cut":${cut},"missing":${JSON.stringify([...missing].map(([replica_id, reason]) => ({ replica_id, reason })))}}`;
}
