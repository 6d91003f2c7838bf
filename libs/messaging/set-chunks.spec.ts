import fc from 'fast-check';
import type { AssignmentSet, SetChunk } from '#contracts';
import { chunkSet, SetAssembler } from './set-chunks.ts';

/** Entries matter here by their text only. */
const setOf = (revision: number, filler: string): AssignmentSet => ({
  storeId: 'store_a',
  nodeId: 'node_a',
  head: { revision: String(revision), eventId: filler },
  base: null,
  adoption: null,
  entries: [],
});

const takeAll = (assembler: SetAssembler, chunks: readonly SetChunk[]): AssignmentSet[] =>
  chunks.map((chunk) => assembler.take(chunk)).filter((set) => set !== null);

describe('sets in chunks', () => {
  it('sends a small set as one chunk', () => {
    const set = setOf(1, 'x');
    const chunks = chunkSet(set);
    expect(chunks).toHaveLength(1);
    expect(new SetAssembler().take(chunks[0]!)).toEqual(set);
  });

  it('keeps every chunk below 512 KiB, whatever the text is made of', () => {
    for (const filler of ['"', '\u0001', '🚢', 'ü', 'a']) {
      const chunks = chunkSet(setOf(1, filler.repeat(400_000)));
      expect(Math.max(...chunks.map((chunk) => Buffer.byteLength(JSON.stringify(chunk))))).toBeLessThan(400 * 1024);
      expect(takeAll(new SetAssembler(), chunks)).toHaveLength(1);
    }
  });

  it('gives the set back once, however its chunks are doubled and reordered before the last one', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2_000 }), fc.integer({ min: 300, max: 2_000 }), fc.infiniteStream(fc.nat()), (filler, maxBytes, numbers) => {
        const set = setOf(1, filler);
        const chunks = chunkSet(set, maxBytes);
        const order = new Map(chunks.map((chunk) => [chunk, numbers.next().value]));
        const shuffled = chunks.toSorted((a, b) => order.get(a)! - order.get(b)!);
        const last = shuffled.at(-1)!;
        const before = shuffled.slice(0, -1).flatMap((chunk) => [chunk, chunk]);
        const assembler = new SetAssembler();
        expect(takeAll(assembler, before)).toEqual([]);
        expect(assembler.take(last)).toEqual(set);
      }),
    );
  });

  it('puts sets together that come at the same time', () => {
    const [first, second] = [setOf(1, 'a'.repeat(3_000)), setOf(2, 'b'.repeat(3_000))];
    const mixed = chunkSet(first, 1_024).flatMap((chunk, at) => [chunk, chunkSet(second, 1_024)[at]!]);
    expect(takeAll(new SetAssembler(), mixed)).toEqual([first, second]);
  });

  it('gives nothing for a set that lacks a chunk, and forgets it when newer ones come along', () => {
    const assembler = new SetAssembler();
    const [missing, ...rest] = chunkSet(setOf(1, 'a'.repeat(3_000)), 1_024);
    expect(takeAll(assembler, rest)).toEqual([]);
    for (let revision = 2; revision < 8; revision += 1) assembler.take(chunkSet(setOf(revision, 'b'.repeat(3_000)), 1_024)[0]!);
    expect(assembler.take(missing!)).toBeNull();
  });

  it('gives a set again that is sent again', () => {
    const chunks = chunkSet(setOf(1, 'a'.repeat(3_000)), 1_024);
    expect(takeAll(new SetAssembler(), [...chunks, ...chunks])).toHaveLength(2);
  });

  it('answers each of two senders of the same set at its last chunk', () => {
    const chunks = chunkSet(setOf(1, 'a'.repeat(300)), 1_024);
    expect(chunks).toHaveLength(4);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (turns) => {
        const assembler = new SetAssembler();
        const sent = { true: 0, false: 0 };
        for (const turn of turns) {
          const index = sent[`${turn}`]++ % chunks.length;
          const set = assembler.take(chunks[index]!);
          if (index === chunks.length - 1) expect(set).not.toBeNull();
        }
      }),
    );
  });

  it('ignores a chunk that claims to lie outside its set', () => {
    const [chunk] = chunkSet(setOf(1, 'x'));
    expect(new SetAssembler().take({ ...chunk!, index: 1 })).toBeNull();
  });
});
