import { Turns } from './turns.ts';

/** Works that end when they are told to. */
function works(atOnce: number) {
  const turns = new Turns(atOnce);
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const take = (name: string, ahead = false): Promise<string> =>
    turns.take(async () => {
      begun.push(name);
      await new Promise<void>((resolve, reject) => ends.set(name, (error) => (error ? reject(error) : resolve())));
      return name;
    }, ahead);
  return { take, begun, end: (name: string, error?: Error) => ends.get(name)!(error) };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('lets so many go on at once, and the others in order as these end', async () => {
    const { take, begun, end } = works(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => take(name));
    await settle();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const name of ['a', 'c']) end(name);
    await settle();
    end('d');
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets one pass those that wait', async () => {
    const { take, begun, end } = works(1);
    for (const name of ['a', 'b']) void take(name);
    void take('c', true);
    await settle();
    end('a');
    await settle();
    expect(begun).toEqual(['a', 'c']);
    end('c');
    await settle();
    end('b');
  });

  it('goes on after one that failed', async () => {
    const { take, begun, end } = works(1);
    const failed = take('a');
    void take('b');
    await settle();
    end('a', new Error('no luck'));
    await expect(failed).rejects.toThrow('no luck');
    await settle();
    expect(begun).toEqual(['a', 'b']);
    end('b');
  });
});
