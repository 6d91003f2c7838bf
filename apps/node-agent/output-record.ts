import type { LogLine } from '#contracts';

/** Where each stream of a container ended: the time of its last line, and how many lines bear it. */
export type StreamEnds = Partial<Record<LogLine['stream'], { readonly at: string; readonly lines: number }>>;

/** A record of a segment, one line of JSON. `[at, 'o' | 'e', run, line]`, with a last 1 where the line goes on in the stream's next one;
 *  the first of a segment is `{stdout, stderr}`: where the one before it ended. */
export function recordOf(record: LogLine | StreamEnds): string {
  if (!('line' in record)) return `${JSON.stringify(record)}\n`;
  const { at, stream, run, line, more } = record;
  return `${JSON.stringify([at, stream === 'stderr' ? 'e' : 'o', run, line, ...(more ? [1] : [])])}\n`;
}

export const isHead = (text: string): boolean => text.startsWith('{');

/** @param text for which `isHead` holds; one that a crash tore knows no ends. */
export const headOf = (text: string): StreamEnds => (parsed(text) as StreamEnds | null) ?? {};

/** The line that a record holds; null for a head and for one that a crash tore. */
export function lineIn(text: string): LogLine | null {
  const record = text.startsWith('[') ? (parsed(text) as [string, 'o' | 'e', number, string, 1?] | null) : null;
  if (record === null) return null;
  const [at, stream, run, line, more] = record;
  return { at, stream: stream === 'e' ? 'stderr' : 'stdout', run, line, ...(more ? { more: true } : {}) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
