import fc from 'fast-check';
import type { LogLine, LogsRequest } from '#contracts';
import { VirtualClock } from '#testing';
import { MemoryDisk } from './memory-disk.ts';
import { OutputFile } from './output-file.ts';
import { readPage, readTail } from './output-reader.ts';
import { Segments } from './output-segments.ts';

const at = (i: number): string => `2026-11-23T10:${String(Math.floor(i / 60) % 60).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}.000000000Z`;
const line = (i: number, text = String(i), stream: LogLine['stream'] = i % 3 === 0 ? 'stderr' : 'stdout'): LogLine => ({ at: at(i), stream, run: 1, line: text });

async function kept(lines: readonly LogLine[]) {
  const clock = new VirtualClock();
  const disk = new MemoryDisk(clock);
  const segments = new Segments(disk);
  const file = await OutputFile.open(segments, clock, 'rep_a');
  for (const each of lines) await file.write(each);
  await file.flush();
  return { disk, segments, file };
}

/** All pages, from a place to the end. */
async function pages(segments: Segments, over: Partial<LogsRequest> = {}) {
  const texts: { text: string; after: string }[] = [];
  let cut = false;
  for (let after = over.after ?? null; ; ) {
    const page = await readPage(segments, { replicaId: 'rep_a', maxBytes: 2 ** 18, ...over, after });
    texts.push(...page.lines.map((each) => ({ text: each.line, after: each.after })));
    cut ||= page.cut;
    if (page.end) return { texts, cut, next: page.next };
    after = page.next;
  }
}

const LONG = 'x'.repeat(50_000);

describe('pages of output', () => {
  it('give every line once, behind whichever of them one goes on, by a process that was started anew, too', async () => {
    const { disk } = await kept(Array.from({ length: 200 }, (_, i) => line(i, `${i} ${LONG}`)));
    const all = (await pages(new Segments(disk))).texts;
    expect(all.map(({ text }) => Number(text.split(' ')[0]))).toEqual(Array.from({ length: 200 }, (_, i) => i));
    for (const i of [0, 57, 83, 84, 199]) {
      const rest = (await pages(new Segments(disk), { after: all[i]!.after })).texts;
      expect(rest.map(({ after }) => after)).toEqual(all.slice(i + 1).map(({ after }) => after));
    }
  });

  it('are as large as is asked for, with at least one line, however long', async () => {
    const { segments } = await kept([line(1, '\u0001'.repeat(65_536)), line(2, 'b'), line(3, 'c')]);
    const first = await readPage(segments, { replicaId: 'rep_a', after: null, maxBytes: 10 });
    expect(first.lines.map((each) => each.line.length)).toEqual([65_536]);
    expect(first.end).toBe(false);
    expect((await pages(segments, { maxBytes: 10, after: first.next })).texts.map(({ text }) => text)).toEqual(['b', 'c']);
  });

  it('keep the newest 64 MiB, and say that older lines fell, to who was in the middle of them as well', async () => {
    const { disk, segments, file } = await kept(Array.from({ length: 100 }, (_, i) => line(i, `${i} ${LONG}`)));
    const early = await readPage(segments, { replicaId: 'rep_a', after: null, maxBytes: 1 });
    expect(early.cut).toBe(false);
    for (let i = 100; i < 1_600; i += 1) await file.write(line(i, `${i} ${LONG}`));
    await file.flush();
    const bytes = (await disk.list('output')).reduce((sum, each) => sum + each.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(64 * 2 ** 20);
    expect(bytes).toBeGreaterThan(52 * 2 ** 20);
    for (const after of [null, early.next]) {
      const all = await pages(segments, { after });
      expect(all.cut).toBe(true);
      expect(all.texts.at(-1)?.text).toMatch(/^1599 /);
      expect(Number(all.texts[0]?.text.split(' ')[0])).toBe(1_600 - all.texts.length);
    }
    expect((await readTail(segments, { replicaId: 'rep_a', before: null, limit: 5 })).cut).toBe(false);
  });

  it('say of what never was here that it is at its end', async () => {
    const { segments } = await kept([]);
    expect(await readPage(segments, { replicaId: 'rep_b', after: null, maxBytes: 100 })).toEqual({ lines: [], next: null, end: true, cut: false });
    expect(await readTail(segments, { replicaId: 'rep_b', before: null, limit: 10 })).toEqual({ lines: [], next: null, end: null, cut: false });
  });

  it('are narrowed down by stream and time', async () => {
    const { segments } = await kept(Array.from({ length: 100 }, (_, i) => line(i)));
    const texts = async (over: Partial<LogsRequest>) => (await pages(segments, over)).texts.map(({ text }) => Number(text));
    expect(await texts({ since: at(90), until: at(95) })).toEqual([90, 91, 92, 93, 94, 95]);
    expect(await texts({ stream: 'stderr', since: at(90) })).toEqual([90, 93, 96, 99]);
    const tail = await readTail(segments, { replicaId: 'rep_a', before: null, limit: 10, since: at(95), until: at(98), stream: 'stdout' });
    expect(tail.lines.map((each) => each.at)).toEqual([98, 97, 95].map(at));
  });
});

it('finds the place from which on exactly so many lines are left, whatever their lengths', async () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 60_000, max: 65_000 })), { minLength: 1, maxLength: 15 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 18 }), fc.integer({ min: 1, max: 7 }), async (all, wanted, step) => {
      const { segments } = await kept(all.map((length, i) => line(i, `${i} ${'\u0002'.repeat(length)}`)));
      let before: string | null = null;
      let left = wanted;
      do {
        const tail = await readTail(segments, { replicaId: 'rep_a', before, limit: Math.min(step, left) });
        left -= tail.lines.length;
        before = tail.lines.at(-1)?.before ?? before;
        if (tail.next === null) break;
      } while (left > 0);
      const rest = (await pages(segments, { after: before })).texts.map(({ text }) => Number(text.split(' ')[0]));
      expect(rest).toEqual(all.map((_, i) => i).slice(-wanted));
    }),
    { numRuns: 15 },
  );
});
