import fc from 'fast-check';
import type { LogLine } from '#contracts';
import { VirtualClock } from '#testing';
import { MemoryDisk } from './memory-disk.ts';
import { OutputFile, readOutput } from './output-file.ts';

const at = (nanos: number): string => `2026-11-23T10:00:00.${String(nanos).padStart(9, '0')}Z`;
const line = (nanos: number, text: string, stream: LogLine['stream'] = 'stdout', run = 1): LogLine => ({ at: at(nanos), stream, run, line: text });

function setUp() {
  const clock = new VirtualClock();
  const disk = new MemoryDisk(clock);
  const open = () => OutputFile.open(disk, clock, 'rep_a');
  const said = async (tail = 100_000) => (await readOutput(disk, 'rep_a', tail)).lines.map((each) => each.line);
  return { clock, disk, open, said };
}

it('gives the last lines, in their order, and none of what was never here', async () => {
  const { open, said, disk } = setUp();
  const file = await open();
  for (let i = 0; i < 10; i += 1) await file.write(line(i, String(i)));
  await file.flush();
  expect(await said(3)).toEqual(['7', '8', '9']);
  expect(await said(0)).toEqual([]);
  expect(await readOutput(disk, 'rep_b', 5)).toEqual({ lines: [], cut: false });
});

it('writes soon of itself, though nothing more is said', async () => {
  const { clock, open, said } = setUp();
  await (await open()).write(line(1, 'alone'));
  expect(await said()).toEqual([]);
  await clock.advance(150);
  expect(await said()).toEqual(['alone']);
});

it('keeps the newest 10 MiB at most, and says that older lines fell', async () => {
  const { disk, open, said } = setUp();
  const file = await open();
  const text = 'x'.repeat(10_000);
  for (let i = 0; i < 450; i += 1) await file.write(line(i, `${i} ${text}`));
  await file.flush();
  expect((await readOutput(disk, 'rep_a', 1)).cut).toBe(false);
  for (let i = 450; i < 3_000; i += 1) await file.write(line(i, `${i} ${text}`));
  await file.flush();
  const kept = await said();
  expect((await readOutput(disk, 'rep_a', 1)).cut).toBe(true);
  const first = 3_000 - kept.length;
  expect(kept.map((each) => Number(each.split(' ')[0]))).toEqual(kept.map((_, i) => first + i));
  const bytes = (await disk.list('output')).reduce((sum, each) => sum + each.bytes, 0);
  expect(bytes).toBeLessThanOrEqual(10 * 1024 * 1024);
  expect(bytes).toBeGreaterThan(4 * 1024 * 1024);
});

it('passes over a line that a crash tore, and glues nothing to it', async () => {
  const { disk, open, said } = setUp();
  const file = await open();
  await file.write(line(1, 'whole'));
  await file.flush();
  await disk.append('output/rep_a.jsonl', '{"at":"2026-11-23T10:0');
  const again = await open();
  await again.write(line(1, 'whole'));
  await again.write(line(2, 'next'));
  await again.flush();
  expect(await said()).toEqual(['whole', 'next']);
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
