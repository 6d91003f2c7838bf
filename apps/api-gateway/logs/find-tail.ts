import type { LogsTailReply, OutputFilter } from '#contracts';
import type { ReplicaReader } from './replica-reader.ts';

/** Places are asked for by so many: a page of them is some ten KiB, whatever stands in the lines. */
const PLACES_AT_ONCE = 500;

interface Walk {
  readonly reader: ReplicaReader;
  places: LogsTailReply['lines'];
  taken: number;
  next: string | null;
  /** Behind it stands the earliest line that belongs to the tail. */
  start: string | null;
}

/** Sets each reader to where its part of the last `tail` lines of all of them together begins. */
export async function beginAtTail(readers: readonly ReplicaReader[], tail: number, filter: OutputFilter): Promise<void> {
  const asked = await Promise.all(readers.map((reader) => beginWalk(reader, filter, Math.min(tail, PLACES_AT_ONCE))));
  const walks = asked.filter((walk) => walk !== null);
  for (let left = tail; left > 0; left -= 1) {
    const latest = walks.reduce<Walk | null>((best, walk) => (atOf(walk) > atOf(best) ? walk : best), null);
    if (!latest) break;
    latest.start = latest.places[latest.taken]!.before;
    latest.taken += 1;
    if (latest.taken === latest.places.length && latest.next !== null) await walkOn(latest, filter, Math.min(left, PLACES_AT_ONCE));
  }
  for (const { reader, start } of walks) reader.beginAfter(start);
}

const atOf = (walk: Walk | null): string => walk?.places[walk.taken]?.at ?? '';

async function beginWalk(reader: ReplicaReader, filter: OutputFilter, limit: number): Promise<Walk | null> {
  const tail = await reader.tail(filter, null, limit);
  if (!tail) {
    reader.beginWithLast(limit);
    return null;
  }
  const walk: Walk = { reader, places: tail.lines, taken: 0, next: tail.next, start: tail.end };
  reader.cut ||= tail.cut;
  if (tail.lines.length === 0 && tail.next !== null && limit > 0) await walkOn(walk, filter, limit);
  return walk;
}

/** A page may be empty and not the last. */
async function walkOn(walk: Walk, filter: OutputFilter, limit: number): Promise<void> {
  do {
    const page = await walk.reader.tail(filter, walk.next, limit);
    walk.places = page?.lines ?? [];
    walk.taken = 0;
    walk.next = page?.next ?? null;
    walk.reader.cut ||= page?.cut ?? false;
  } while (walk.places.length === 0 && walk.next !== null);
}
