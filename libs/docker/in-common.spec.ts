import { describe, expect, it } from '@jest/globals';
import { InCommon } from './in-common.ts';

/** Answers are given one by one. */
function asked() {
  const begun: string[] = [];
  const answers: ((answer: string) => void)[] = [];
  const ask = (what: string) => () => {
    begun.push(what);
    return new Promise<string>((resolve) => answers.push(resolve));
  };
  const settle = async (answer: string): Promise<void> => {
    answers.shift()!(answer);
    for (let turn = 0; turn < 10; turn += 1) await null;
  };
  return { begun, ask, settle };
}

describe('InCommon', () => {
  it('asks once for all who came before it began', async () => {
    const { begun, ask, settle } = asked();
    const common = new InCommon<string>();
    const first = common.inTurn('a', ask('a'));
    await null;
    await null;
    const [second, third] = [common.inTurn('a', ask('a')), common.inTurn('a', ask('a'))];
    expect(begun).toEqual(['a']);
    await settle('before');
    expect(begun).toEqual(['a', 'a']);
    await settle('after');
    expect(await Promise.all([first, second, third])).toEqual(['before', 'after', 'after']);
  });

  it('asks for one thing after the other, also where one fails', async () => {
    const { begun, ask, settle } = asked();
    const common = new InCommon<string>();
    const failing = common.inTurn('a', () => Promise.reject(new Error('no')));
    const other = common.inTurn('b', ask('b'));
    await expect(failing).rejects.toThrow('no');
    await null;
    expect(begun).toEqual(['b']);
    await settle('b');
    expect(await other).toBe('b');
  });
});
