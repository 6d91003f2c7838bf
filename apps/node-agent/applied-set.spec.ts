import fc from 'fast-check';
import type { Assignment, AssignmentSet } from '#contracts';
import { aContainerSpec, MemoryLogger } from '#testing';
import { AppliedSet, judgeSet, type Held } from './applied-set.ts';
import { MemoryDisk } from './memory-disk.ts';

const entry: Assignment = {
  replicaId: 'rep_a', owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1, wanted: 'run', replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.0.0/24', aliases: [] }], spec: aContainerSpec(), minHealthyMs: 1, healthyDeadlineMs: null, timeoutMs: null, graceMs: 1, last: null,
};
const at = (revision: number, branch = 'a') => ({ revision: String(revision), eventId: `${branch}${revision}` });
const set = (change: Partial<AssignmentSet> = {}): AssignmentSet => ({ storeId: 'store', nodeId: 'node_a', head: at(12), base: at(10), adoption: null, entries: [entry], ...change });
const held: Held = { storeId: 'store', head: at(10), entries: [], adoptions: ['seen'] };

describe('a set is judged', () => {
  it.each<[string, Held | null, Partial<AssignmentSet>, string]>([
    ['taken by an agent that holds nothing, whatever it goes on from', null, { base: null, storeId: 'any' }, 'taken'],
    ['taken when it goes on from what is held', held, {}, 'taken'],
    ['taken again at the same event', held, { head: at(10), base: null }, 'taken'],
    ['refused from another store', held, { storeId: 'other' }, 'other_store'],
    ['refused when older', held, { head: at(9), base: at(9) }, 'older_revision'],
    ['refused when older as a number, though not as a text', { ...held, head: at(10) }, { head: at(9) }, 'older_revision'],
    ['refused at the same revision with another event', held, { head: at(10, 'b') }, 'other_history'],
    ['refused when it goes on from another event of that revision', held, { base: at(10, 'b') }, 'other_history'],
    ['refused when its store has no event at that revision', held, { base: { revision: '10', eventId: null } }, 'other_history'],
    ['refused when it doesn’t say what it goes on from', held, { base: null }, 'unknown_base'],
    ['refused when it goes on from another revision', held, { base: at(8) }, 'unknown_base'],
    ['taken from another store after an adoption that wasn’t seen before', held, { storeId: 'other', head: at(1), base: null, adoption: 'new' }, 'taken'],
    ['taken with a lower revision after an adoption that wasn’t seen before', held, { head: at(3, 'b'), base: null, adoption: 'new' }, 'taken'],
    ['refused from another store when its adoption is an old one', held, { storeId: 'other', adoption: 'seen' }, 'other_store'],
  ])('%s', (_title, before, change, outcome) => {
    const verdict = judgeSet(before, set(change));
    expect(verdict.take ? 'taken' : verdict.code).toBe(outcome);
  });

  it('and never taken back to an older point of the same history', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.bigInt({ min: 0n, max: 10n ** 20n }), (own, offered) => {
        const point = (revision: bigint) => ({ revision: String(revision), eventId: `e${revision}` });
        const verdict = judgeSet({ ...held, head: point(own) }, set({ head: point(offered), base: point(own) }));
        expect(verdict.take).toBe(offered >= own);
      }),
    );
  });
});

describe('the applied set', () => {
  const open = async (disk = new MemoryDisk({ now: () => 0 })) => {
    const applied = new AppliedSet({ nodeId: 'node_a', disk, logger: new MemoryLogger() });
    await applied.load();
    return { applied, disk };
  };

  it('is on disk when it is said to be taken, and is found again', async () => {
    const { applied, disk } = await open();
    expect(applied.entries).toBeNull();
    expect(applied.mayClean).toBe(false);
    expect(await applied.offer(set())).toEqual({ nodeId: 'node_a', storeId: 'store', applied: at(12), refusing: null });
    disk.losePower();
    const { applied: again } = await open(disk);
    expect(again.stand).toEqual(applied.stand);
    expect(again.find('rep_a')).toEqual(entry);
    expect(again.mayClean).toBe(true);
  });

  it('is left as it is by a refused one, and cleans nothing while refusing', async () => {
    const { applied } = await open();
    await applied.offer(set());
    expect(await applied.offer(set({ storeId: 'other', entries: [] }))).toEqual({
      nodeId: 'node_a', storeId: 'store', applied: at(12), refusing: { code: 'other_store', message: 'the set is of store other, this node holds one of store' },
    });
    expect(applied.entries).toEqual([entry]);
    expect(applied.mayClean).toBe(false);
    await applied.offer(set({ head: at(13), base: at(12) }));
    expect(applied.stand.refusing).toBeNull();
    expect(applied.mayClean).toBe(true);
  });

  it('refuses what is meant for another node', async () => {
    const { applied } = await open();
    expect((await applied.offer(set({ nodeId: 'node_b' }))).refusing?.code).toBe('other_history');
    expect(applied.entries).toBeNull();
  });

  it('changes over once for each adoption, over a restart too', async () => {
    const { applied, disk } = await open();
    await applied.offer(set());
    const restored = set({ storeId: 'restored', head: at(2, 'r'), base: null, adoption: 'adopt-1' });
    expect((await applied.offer(restored)).refusing).toBeNull();
    const { applied: again } = await open(disk);
    expect((await again.offer(set({ adoption: 'adopt-1' }))).refusing?.code).toBe('other_store');
    expect(again.stand.storeId).toBe('restored');
  });

  it('holds the old one when the new one can’t be written', async () => {
    const { applied, disk } = await open();
    await applied.offer(set());
    disk.full = true;
    await expect(applied.offer(set({ head: at(13), base: at(12), entries: [] }))).rejects.toThrow('ENOSPC');
    expect(applied.stand.applied).toEqual(at(12));
    expect(applied.entries).toEqual([entry]);
  });

  it('stops rather than begin anew over a file that it can’t read', async () => {
    const disk = new MemoryDisk({ now: () => 0 });
    await disk.write('applied-set.json', '{"storeId":');
    await expect(open(disk)).rejects.toThrow(SyntaxError);
  });
});
