import fc from 'fast-check';
import type { LogLine } from '#contracts';
import { VirtualClock } from '#testing';
import { MemoryDisk } from './memory-disk.ts';
import { OutputFile } from './output-file.ts';
import { readPage } from './output-reader.ts';
import { Segments } from './output-segments.ts';

const at = (nanos: number): string => `2026-11-23T10:00:00.${String(nanos).padStart(9, '0')}Z`;
const line = (nanos: number, text: string, stream: LogLine['stream'] = 'stdout', run = 1): LogLine => ({ at: at(nanos), stream, run, line: text });

function setUp() {
  const clock = new VirtualClock();
  const disk = new MemoryDisk(clock);
  // Each opening is that of a new process.
  const open = () => OutputFile.open(new Segments(disk), clock, 'rep_a');
  const said = async (): Promise<string[]> => {
    const texts: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await readPage(new Segments(disk), { replicaId: 'rep_a', after, maxBytes: 2 ** 18 });
      texts.push(...page.lines.map((each) => each.line));
      if (page.end) return texts;
      after = page.next;
    }
  };
  return { clock, disk, open, said };
}

it('writes soon of itself, though nothing more is said', async () => {
  const { clock, open, said } = setUp();
  await (await open()).write(line(1, 'alone'));
  expect(await said()).toEqual([]);
  await clock.advance(150);
  expect(await said()).toEqual(['alone']);
});

it('passes over a line that a crash tore, and glues nothing to it', async () => {
  const { disk, open, said } = setUp();
  const file = await open();
  await file.write(line(1, 'whole'));
  await file.flush();
  await disk.append('output/rep_a.1.jsonl', '["2026-11-23T10:0');
  const again = await open();
  await again.write(line(1, 'whole'));
  await again.write(line(2, 'next'));
  await again.flush();
  expect(await said()).toEqual(['whole', 'next']);
});

it('goes on where it ended, though a stream said its last word many segments ago', async () => {
  const { disk, open, said } = setUp();
  const file = await open();
  await file.write(line(1, 'once', 'stderr'));
  const text = 'x'.repeat(60_000);
  for (let i = 2; i < 200; i += 1) await file.write(line(i, `${i} ${text}`));
  await file.flush();
  expect((await disk.list('output')).length).toBeGreaterThan(2);
  const again = await open();
  await again.write(line(1, 'once', 'stderr'));
  for (let i = 150; i < 201; i += 1) await again.write(line(i, `${i} ${text}`));
  await again.flush();
  expect((await said()).map((each) => each.split(' ')[0])).toEqual(['once', ...Array.from({ length: 199 }, (_, i) => String(i + 2))]);
});

it('takes no line twice of an engine that begins anew in the middle, and every one behind a clock that was set back', async () => {
  const { clock, open, said } = setUp();
  const now = clock.now();
  const then = (ms: number, text: string): LogLine => ({ ...line(0, text), at: new Date(now + ms).toISOString().replace('Z', '000000Z') });
  const file = await open();
  for (const text of ['-900', '-800', '-700 a', '-700 b']) await file.write(then(Number(text.split(' ')[0]), text));
  for (const text of ['-800', '-700 a', '-700 b', '-700 c', '-600', '-600']) await file.write(then(Number(text.split(' ')[0]), text));
  // The clock jumps back by ten seconds, once the container had written in what is the future now.
  for (const i of [5_000, -5_000, -4_900]) await file.write(then(i, `${i}`));
  await file.flush();
  expect(await said()).toEqual(['-900', '-800', '-700 a', '-700 b', '-700 c', '-600', '5000', '-5000', '-4900']);
});

it('writes on when a full disk has room again, and leaves no half of a segment in the way', async () => {
  const { disk, open, said } = setUp();
  const file = await open();
  disk.full = true;
  await file.write(line(1, 'first'));
  await expect(file.flush()).rejects.toThrow('ENOSPC');
  disk.full = false;
  const again = await open();
  await again.write(line(1, 'first'));
  await again.flush();
  expect(await said()).toEqual(['first']);
});

it('has every line once, wherever a restart comes and however many lines share an instant', async () => {
  // Each stream's times never go back; the two together may.
  const stream = (name: LogLine['stream']) =>
    fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 15 }).map((gaps) => {
      let now = 10;
      return gaps.map((gap, i) => line((now += gap), `${name} ${i}`, name));
    });
  await fc.assert(
    fc.asyncProperty(stream('stdout'), stream('stderr'), fc.array(fc.boolean()), fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 4 }), async (out, err, order, restarts) => {
      const log: LogLine[] = [];
      const [outs, errs] = [[...out], [...err]];
      for (let i = 0; outs.length + errs.length > 0; i += 1) log.push((order[i % order.length] ? (outs.shift() ?? errs.shift()) : (errs.shift() ?? outs.shift()))!);
      const { open, said } = setUp();
      for (const until of [...restarts.sort((a, b) => a - b), log.length]) {
        const file = await open();
        const since = file.since;
        for (const each of log.slice(0, until).filter((one) => since === null || one.at >= since)) await file.write(each);
        await file.flush();
      }
      const kept = await said();
      expect(kept.filter((each) => each.startsWith('stdout'))).toEqual(out.map((each) => each.line));
      expect(new Set(kept).size).toBe(kept.length);
    }),
  );
});
