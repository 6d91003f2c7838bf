import fc from 'fast-check';
import { subjects, type ObservationBatch } from '#contracts';
import type { Observation } from '#domain';
import { anObservation, MemoryBroker, MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { Journal, JournalSender } from './journal.ts';
import { MemoryDisk } from './memory-disk.ts';

const open = async (disk = new MemoryDisk({ now: () => 0 })) => {
  const journal = new Journal(disk);
  await journal.load();
  return { journal, disk };
};
const words = (journal: Journal): string[] => journal.pending(1_000).map(({ seq, replicaId, run, state }) => `${seq} ${replicaId} ${run} ${state}`);

describe('the journal', () => {
  it('gives back what isn’t acknowledged, in order, after a power cut', async () => {
    const { journal, disk } = await open();
    await Promise.all([journal.append(anObservation({ state: 'PREPARING' })), journal.append(anObservation({ state: 'STARTING' })), journal.append(anObservation({ state: 'RUNNING' }))]);
    await journal.acknowledge([2]);
    disk.losePower();
    const { journal: again } = await open(disk);
    expect(words(again)).toEqual(['1 rep_a 1 PREPARING', '3 rep_a 1 RUNNING']);
  });

  it('never gives a seq twice, though everything was acknowledged and the file made small', async () => {
    const { journal, disk } = await open();
    await journal.append(anObservation());
    await journal.acknowledge([1]);
    const { journal: again } = await open(disk);
    const { journal: third } = await open(disk);
    expect(words(again)).toEqual([]);
    await third.append(anObservation());
    expect(words(third)).toEqual(['2 rep_a 1 RUNNING']);
  });

  it('passes over a line that a crash tore', async () => {
    const { journal, disk } = await open();
    await journal.append(anObservation());
    await disk.append('journal.jsonl', '{"replicaId":"rep_b","run":1,"sta');
    const { journal: again } = await open(disk);
    await again.append(anObservation({ run: 2 }));
    expect(words((await open(disk)).journal)).toEqual(['1 rep_a 1 RUNNING', '2 rep_a 2 RUNNING']);
  });

  it('takes in nothing that it couldn’t write, and glues nothing to what a full disk left', async () => {
    const { journal, disk } = await open();
    disk.full = true;
    await expect(journal.append(anObservation())).rejects.toThrow('ENOSPC');
    expect(words(journal)).toEqual([]);
    disk.full = false;
    await disk.append('journal.jsonl', '{"replicaId":"rep_a","run":1,"sta');
    await journal.append(anObservation({ run: 2 }));
    await journal.append(anObservation({ run: 3 }));
    expect(words((await open(disk)).journal)).toEqual(['1 rep_a 2 RUNNING', '2 rep_a 3 RUNNING']);
  });

  it('doesn’t say the same of one replica twice in a row, but every change', async () => {
    const { journal } = await open();
    const busy = { code: 'host_port_taken', message: '' };
    for (const next of [{}, {}, { reason: busy }, { reason: { ...busy, message: 'other words' } }, { final: true }, { run: 2 }, { replicaId: 'rep_b' as const }, { run: 2 }]) await journal.append(anObservation(next));
    expect(words(journal)).toEqual(['1 rep_a 1 RUNNING', '2 rep_a 1 RUNNING', '3 rep_a 1 RUNNING', '4 rep_a 2 RUNNING', '5 rep_b 1 RUNNING']);
  });

  it('stays small, however much passes through', async () => {
    const { journal, disk } = await open();
    for (let run = 1; run <= 1_500; run += 1) {
      await journal.append(anObservation({ run }));
      await journal.acknowledge([run]);
    }
    expect((await disk.read('journal.jsonl'))!.split('\n').length).toBeLessThan(1_100);
    expect(words((await open(disk)).journal)).toEqual([]);
  });

  it('loses nothing unacknowledged, whatever happens between', async () => {
    const act = fc.oneof(fc.record({ append: fc.integer({ min: 1, max: 5 }) }), fc.record({ acknowledge: fc.integer({ min: 0, max: 3 }) }), fc.constant('power cut' as const), fc.record({ tear: fc.nat(40) }));
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        let { journal, disk } = await open();
        let run = 0;
        const expected = new Map<number, number>();
        for (const each of acts) {
          if (each === 'power cut') disk.losePower();
          else if ('append' in each) {
            for (let i = 0; i < each.append; i += 1) {
              await journal.append(anObservation({ run: (run += 1) }));
              expected.set(journal.pending(1_000).at(-1)!.seq, run);
            }
            continue;
          } else if ('acknowledge' in each) {
            const seqs = journal.pending(each.acknowledge).map(({ seq }) => seq);
            await journal.acknowledge(seqs);
            for (const seq of seqs) expected.delete(seq);
            continue;
          } else {
            await disk.append('journal.jsonl', '{"replicaId":"rep_torn","run":1,"state":"RUNNING","seq":9'.slice(0, each.tear));
          }
          ({ journal, disk } = await open(disk));
        }
        expect(journal.pending(1_000).map(({ seq, run: of }) => [seq, of])).toEqual([...expected]);
      }),
    );
  });
});

describe('what is journaled', () => {
  const setUp = async (answer: (batch: ObservationBatch) => number[]) => {
    const clock = new VirtualClock();
    const broker = new MemoryBroker(clock);
    const bus = broker.bus('agent');
    const batches: number[][] = [];
    broker.bus('monitor').subscribe<ObservationBatch>(subjects.observations('*'), (batch) => {
      batches.push(batch.observations.map(({ seq }) => seq));
      return { acknowledged: answer(batch) };
    });
    const { journal } = await open();
    const sender = new JournalSender({ journal, nodeId: 'node_a', bus, clock, random: seededRandom(1), logger: new MemoryLogger() });
    return { clock, bus, batches, journal, sender };
  };
  const all = (batch: ObservationBatch) => batch.observations.map(({ seq }) => seq);
  const say = (journal: Journal, ...runs: number[]) => Promise.all(runs.map((run) => journal.append(anObservation({ run } as Partial<Observation>))));

  it('is sent as it comes, and again in order while parts of it are left', async () => {
    let refuse = true;
    const { clock, batches, journal, sender } = await setUp((batch) => all(batch).filter((seq) => seq !== 2 || !refuse));
    const stop = sender.start();
    await say(journal, 1, 2, 3);
    await clock.settle();
    refuse = false;
    await clock.advance(1_000);
    expect(journal.pending(10)).toEqual([]);
    expect(batches.flat().filter((seq) => seq === 1)).toHaveLength(1);
    expect(batches.at(-1)).toEqual([2]);
    stop();
    expect(clock.pending).toBe(0);
  });

  it('waits for a lost connection and goes at once when it is back', async () => {
    const { clock, bus, batches, journal, sender } = await setUp(all);
    const stop = sender.start();
    bus.disconnect();
    await say(journal, 1, 2);
    await clock.advance(120_000);
    expect(batches).toEqual([]);
    expect(await sender.flush()).toBe(false);
    bus.reconnect();
    await clock.settle();
    expect(batches).toEqual([[1, 2]]);
    expect(await sender.flush()).toBe(true);
    stop();
  });
});
