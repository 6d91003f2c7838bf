import fc from 'fast-check';
import { LogFrames, LONGEST_LINE } from './log-frames.ts';

const frame = (type: number, text: string): Buffer => {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};
const at = (nanos: number): string => `2026-11-23T10:00:00.${String(nanos).padStart(9, '0')}Z`;

it('joins a line that the engine kept in pieces, under its first time, while the other stream goes on', () => {
  const frames = new LogFrames();
  const bytes = [frame(1, `${at(1)} abc`), frame(2, `${at(2)} oops\n`), frame(1, `${at(3)} def\n`)];
  expect(frames.take(Buffer.concat(bytes))).toEqual([
    { at: at(2), stream: 'stderr', line: 'oops' },
    { at: at(1), stream: 'stdout', line: 'abcdef' },
  ]);
  expect(frames.end()).toEqual([]);
});

it('keeps last words that no newline ends, and gives them at the end only', () => {
  const frames = new LogFrames();
  expect(frames.take(Buffer.concat([frame(1, `${at(1)} bye`)]))).toEqual([]);
  expect(frames.end()).toEqual([{ at: at(1), stream: 'stdout', line: 'bye' }]);
});

it('gives a line without end in pieces that say so, and holds no more than one', () => {
  const frames = new LogFrames();
  const piece = 'x'.repeat(16 * 1024);
  const given = Array.from({ length: 10 }, () => frames.take(frame(1, `${at(1)} ${piece}`))).flat();
  expect(given).toEqual([1, 2].map(() => ({ at: at(1), stream: 'stdout', line: 'x'.repeat(LONGEST_LINE), more: true })));
  expect(frames.take(frame(1, `${at(1)} end\n`))).toEqual([{ at: at(1), stream: 'stdout', line: `${piece}${piece}end` }]);
});

it('refuses bytes that are no frames', () => {
  expect(() => new LogFrames().take(Buffer.from('plain text of a terminal'))).toThrow('no frame');
});

it('gives the same lines however the bytes are cut', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(1, 2), line)), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (said, cuts) => {
      const bytes = Buffer.concat(said.map(([type, text], i) => frame(type, `${at(i)} ${text}\n`)));
      const frames = new LogFrames();
      const got: string[] = [];
      for (let from = 0, i = 0; from < bytes.length; i += 1) {
        const to = from + (cuts[i % cuts.length] ?? 1);
        got.push(...frames.take(bytes.subarray(from, to)).map((each) => each.line));
        from = to;
      }
      expect(got).toEqual(said.map(([, text]) => text));
    }),
  );
});
