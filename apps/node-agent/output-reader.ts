import type { LogLine, LogsReply, LogsRequest, LogsTailReply, LogsTailRequest, OutputCursor, OutputFilter } from '#contracts';
import type { ReplicaId } from '#domain';
import { lineIn } from './output-record.ts';
import type { Segment, Segments } from './output-segments.ts';

/** What is read of a segment at once; and the longest record: 64 KiB of characters that JSON escapes, and its time. */
const CHUNK = 256 * 1024;
const LONGEST_RECORD = 512 * 1024;

/** A request that finds nothing looks no further than this and says where it stopped. */
const CHUNKS = 8;

/** A line on the wire is longer than its record by about this. */
const WIRE_BYTES = 80;

/** How far apart the two streams of a container may be written. */
const SLACK_MS = 1_000;

const MOST_TAIL_LINES = 2_000;

/** Between two records of a replica's output. */
interface Place {
  readonly seq: number;
  readonly at: number;
}

interface Found {
  readonly line: LogLine;
  /** The bytes of its record: from `from` to before `to`. */
  readonly from: number;
  readonly to: number;
}

/** The next page behind a place. Reads 2 MiB at most, so that a page may be empty and not the end. */
export async function readPage(segments: Segments, request: Omit<LogsRequest, 'waitMs'>): Promise<LogsReply> {
  const { replicaId, after } = request;
  const isWanted = wanted(request);
  const isOver = beyond(request.until);
  const lines: LogsReply['lines'][number][] = [];
  const begin = startOf(await segments.of(replicaId), after);
  let { place, cut } = begin;
  const page = (end: boolean): LogsReply => ({ lines, next: place && cursorOf(place), end, cut });
  for (let chunks = 0; place !== null && lines.length === 0 && chunks < CHUNKS; chunks += 1) {
    const found = await recordsFrom(segments, replicaId, place);
    if (found === null) {
      // It fell while we read.
      ({ place } = startOf(await segments.of(replicaId), cursorOf(place)));
      cut = true;
      continue;
    }
    let bytes = 0;
    for (const { line, to } of found.records) {
      if (line && isOver(line)) return page(true);
      if (line && isWanted(line)) {
        bytes += to - place.at + WIRE_BYTES;
        if (lines.length > 0 && bytes > request.maxBytes) return page(false);
        lines.push({ ...line, after: cursorOf({ seq: place.seq, at: to }) });
      }
      place = { seq: place.seq, at: to };
    }
    if (found.more) continue;
    const next = (await segments.of(replicaId)).find(({ seq }) => seq > place!.seq);
    if (!next) return page(true);
    place = { seq: next.seq, at: 0 };
  }
  return page(place === null);
}

/** Where the last lines before a place begin, backwards. */
export async function readTail(segments: Segments, request: LogsTailRequest): Promise<LogsTailReply> {
  const { replicaId, before } = request;
  const limit = Math.min(request.limit, MOST_TAIL_LINES);
  const lines: LogsTailReply['lines'][number][] = [];
  const kept = await segments.of(replicaId);
  const newest = endOf(kept);
  const reply = (next: Place | null, cut = false): LogsTailReply => ({ lines, next: next && cursorOf(next), end: newest && cursorOf(newest), cut });
  let place = before === null ? newest : placeOf(before);
  for (let chunks = 0; place !== null && lines.length < limit && chunks < CHUNKS; chunks += 1) {
    if (place.at === 0) {
      place = endBefore(kept, place);
      continue;
    }
    const found = await recordsBefore(segments, replicaId, place);
    // It fell while we read.
    if (found === null) return reply(null, true);
    const step = takeBackwards(found, place, request, limit - lines.length);
    lines.push(...step.lines);
    if (step.isOver) return reply(null);
    place = step.place;
  }
  const isAtStart = place === null || (place.at === 0 && endBefore(kept, place) === null);
  return isAtStart && lines.length < limit ? reply(null, (kept[0]?.seq ?? 1) > 1) : reply(place);
}

/** The last of these records that are wanted. `isOver`: nothing before them is. */
function takeBackwards(records: Records, from: Place, request: OutputFilter, limit: number): { lines: LogsTailReply['lines'][number][]; place: Place; isOver: boolean } {
  const isWanted = wanted(request);
  const lines: LogsTailReply['lines'][number][] = [];
  let place = from;
  for (const record of records.toReversed()) {
    if (lines.length === limit) break;
    if (record.line && isBefore(record.line, request.since)) return { lines, place, isOver: true };
    place = { seq: place.seq, at: record.from };
    if (record.line && isWanted(record.line)) lines.push({ at: record.line.at, before: cursorOf(place) });
  }
  return { lines, place, isOver: false };
}

/** The records of one chunk. `more`: the segment goes on behind them. null: it is gone. */
async function recordsFrom(segments: Segments, replicaId: ReplicaId, { seq, at }: Place): Promise<{ readonly records: Records; readonly more: boolean } | null> {
  for (const length of [CHUNK, LONGEST_RECORD]) {
    const bytes = await segments.read(replicaId, seq, at, length);
    if (bytes === null) return null;
    const records = recordsIn(bytes, at);
    if (records.length > 0) return { records, more: bytes.length === length };
    if (bytes.length < length) break;
  }
  // Nothing, or a record that is torn or being written.
  return { records: [], more: false };
}

/** The records of one chunk that ends at a place; null: they are gone. */
async function recordsBefore(segments: Segments, replicaId: ReplicaId, { seq, at }: Place): Promise<Records | null> {
  for (const length of [CHUNK, LONGEST_RECORD]) {
    const from = Math.max(0, at - length);
    const bytes = await segments.read(replicaId, seq, from, at - from);
    if (bytes === null) return null;
    const whole = from === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    if (whole < bytes.length) return recordsIn(bytes.subarray(whole), from + whole);
  }
  return [{ line: null, from: Math.max(0, at - LONGEST_RECORD), to: at }];
}

type Records = readonly (Omit<Found, 'line'> & { readonly line: LogLine | null })[];

const NEWLINE = 0x0a;

/** Whole ones, by where they stand in the segment. @param at where the bytes do */
function recordsIn(bytes: Buffer, at: number): Records {
  const records: Records[number][] = [];
  for (let from = 0; ; ) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0) return records;
    records.push({ line: lineIn(bytes.toString('utf8', from, end)), from: at + from, to: at + end + 1 });
    from = end + 1;
  }
}

/** Where reading begins, and whether something fell before that. */
function startOf(kept: readonly Segment[], after: OutputCursor | null): { place: Place | null; cut: boolean } {
  const oldest = kept[0];
  const asked = after === null ? null : placeOf(after);
  if (!oldest) return { place: asked, cut: false };
  if (asked && asked.seq >= oldest.seq) return { place: asked, cut: false };
  return { place: { seq: oldest.seq, at: 0 }, cut: asked !== null || oldest.seq > 1 };
}

const endBefore = (kept: readonly Segment[], { seq }: Place): Place | null => endOf(kept.filter((segment) => segment.seq < seq));

function endOf(kept: readonly Segment[]): Place | null {
  const newest = kept.at(-1);
  return newest ? { seq: newest.seq, at: newest.bytes } : null;
}

const cursorOf = ({ seq, at }: Place): OutputCursor => `${seq}.${at}`;

function placeOf(cursor: OutputCursor): Place {
  const [seq, at] = cursor.split('.').map(Number);
  return { seq: seq ?? 1, at: at ?? 0 };
}

const wanted =
  ({ stream, since, until }: OutputFilter) =>
  (line: LogLine): boolean =>
    (stream === undefined || line.stream === stream) && (since === undefined || line.at >= since) && (until === undefined || line.at <= until);

/** Nothing that is wanted comes behind it: the other stream may lag a little. */
const beyond = (until: string | undefined): ((line: LogLine) => boolean) => {
  const latest = until === undefined ? null : moved(until, SLACK_MS);
  return ({ at }) => latest !== null && at > latest;
};

const isBefore = ({ at }: LogLine, since: string | undefined): boolean => since !== undefined && at < moved(since, -SLACK_MS);

const moved = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString().replace('Z', '000000Z');
