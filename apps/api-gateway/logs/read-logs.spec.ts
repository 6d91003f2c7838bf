import { subjects, type LogLine, type LogsRequest, type LogsTailRequest } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';
import { MemoryBroker, VirtualClock, type MemoryBus } from '#testing';
import { MemoryDisk } from '../../node-agent/memory-disk.ts';
import { OutputFile } from '../../node-agent/output-file.ts';
import { readPage, readTail } from '../../node-agent/output-reader.ts';
import { Segments } from '../../node-agent/output-segments.ts';
import { followLogs, type FollowedOwner } from './follow-logs.ts';
import { parseCursor } from './log-cursor.ts';
import { LogReading, type LogItem, type Wanted } from './read-logs.ts';
import { lastLines } from './last-lines.ts';
import type { ReadReplica } from './replica-reader.ts';

const at = (i: number): string => `2026-11-23T10:00:00.${String(i).padStart(9, '0')}Z`;

/** The keeping part of an agent, without any container. */
class Keeper {
  readonly bus: MemoryBus;
  readonly segments: Segments;
  readonly #files = new Map<ReplicaId, OutputFile>();
  asked = 0;

  constructor(
    readonly nodeId: NodeId,
    private readonly house: { readonly clock: VirtualClock; readonly broker: MemoryBroker },
  ) {
    this.bus = house.broker.bus(nodeId);
    this.segments = new Segments(new MemoryDisk(house.clock));
    this.bus.subscribe<LogsRequest>(subjects.logs(nodeId), async (request) => {
      this.asked += 1;
      const page = await readPage(this.segments, request);
      if (page.lines.length > 0 || !page.end || request.waitMs === 0) return page;
      await house.clock.sleep(request.waitMs);
      return readPage(this.segments, { ...request, after: page.next });
    });
    this.bus.subscribe<LogsTailRequest>(subjects.logsTail(nodeId), (request) => readTail(this.segments, request));
  }

  async says(replicaId: ReplicaId, from: number, to: number, over: Partial<LogLine> & { every?: number } = {}): Promise<void> {
    const file = this.#files.get(replicaId) ?? (await OutputFile.open(this.segments, this.house.clock, replicaId));
    this.#files.set(replicaId, file);
    for (let i = from; i < to; i += over.every ?? 1) await file.write({ at: at(i), stream: 'stdout', run: 1, line: `${replicaId} ${i}`, ...over });
    await file.flush();
  }
}

const setUp = () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker(clock);
  const keepers = [new Keeper('node_1', { clock, broker }), new Keeper('node_2', { clock, broker })] as const;
  return { clock, broker, keepers, bus: broker.bus('api-gateway') };
};
const replica = (name: string, over: Partial<ReadReplica> = {}): ReadReplica => ({ replica_id: `rep_${name}`, node_id: 'node_1', slot: 1, generation: 1, final: false, ...over });
const everything: Wanted = { tail: null, cursor: null };

async function all(batches: AsyncIterable<readonly LogItem[]>): Promise<LogItem[]> {
  const items: LogItem[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
const texts = (items: readonly LogItem[]) => items.flatMap((item) => ('line' in item ? item.line.line : []));
const codes = (items: readonly LogItem[]) => items.flatMap((item) => ('notice' in item ? item.notice.code : []));
const ids = (items: readonly LogItem[]) => items.flatMap((item) => ('line' in item ? item.id : []));

describe('output that was written', () => {
  it('is one text of all replicas, by time, on whichever nodes they are', async () => {
    const { bus, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 20, { every: 2 });
    await keepers[1].says('rep_b', 1, 20, { every: 2 });
    const items = await all(new LogReading(bus, [replica('a'), replica('b', { slot: 2, node_id: 'node_2' }), replica('c', { slot: 3, node_id: null })], everything, null).past(false));
    expect(texts(items)).toEqual(Array.from({ length: 20 }, (_, i) => `rep_${i % 2 ? 'b' : 'a'} ${i}`));
  });

  it('ends with the latest lines of all of them together, where so many are asked for', async () => {
    const { bus, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 1_500);
    await keepers[1].says('rep_b', 1_200, 1_300);
    const both = [replica('a'), replica('b', { slot: 2, node_id: 'node_2' })];
    for (const tail of [0, 1, 150, 320, 1_400, 5_000]) {
      const items = await all(new LogReading(bus, both, { ...everything, tail }, null).past(false));
      const whole = texts(await all(new LogReading(bus, both, everything, null).past(false)));
      expect(texts(items)).toEqual(tail === 0 ? [] : whole.slice(-tail));
    }
    const last = await lastLines(bus, [...both, replica('c', { node_id: null }), replica('d', { node_id: 'node_gone' })]);
    expect([...last.keys()].sort()).toEqual(['rep_a', 'rep_b', 'rep_d']);
    expect(last.get('rep_b')).toEqual(Array.from({ length: 20 }, (_, i) => `rep_b ${1_280 + i}`));
    expect(last.get('rep_d')).toEqual([]);
  });

  it('says whose node does not answer, and fails where none does', async () => {
    const { bus, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 3);
    const gone = replica('b', { slot: 2, node_id: 'node_gone' });
    for (const tail of [null, 10]) {
      const items = await all(new LogReading(bus, [replica('a'), gone], { ...everything, tail }, null).past(false));
      expect(texts(items)).toHaveLength(3);
      expect(items.filter((item) => 'notice' in item)).toEqual([{ notice: expect.objectContaining({ code: 'node_silent', replica_id: 'rep_b', node_id: 'node_gone' }) }]);
    }
    await expect(all(new LogReading(bus, [gone], everything, null).past(false))).rejects.toMatchObject({ code: 'logs.unreachable' });
  });

  it('goes on behind any of its lines, of every replica at once', async () => {
    const { bus, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 30);
    await keepers[1].says('rep_b', 10, 40);
    const both = [replica('a'), replica('b', { slot: 2, node_id: 'node_2' })];
    const whole = await all(new LogReading(bus, both, everything, null).past(false));
    for (const [i, id] of ids(whole).entries()) {
      const rest = await all(new LogReading(bus, both, { tail: 5, cursor: parseCursor(id) }, null).past(false));
      expect(texts(rest)).toEqual(texts(whole).slice(i + 1));
    }
  });

  it('is fetched as it is taken, and no faster', async () => {
    const { bus, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 2_000, { line: 'x'.repeat(10_000) });
    const past = new LogReading(bus, [replica('a')], everything, null).past(false);
    for (let batches = 1; batches <= 5; batches += 1) {
      await past.next();
      expect(keepers[0].asked).toBeLessThanOrEqual(2 * batches + 2);
    }
  });

  it('refuses an id that no line has', () => {
    for (const id of ['x y', '1~0~1.1.1', `1~0${'~1.1.1.1'.repeat(3)}~`, '', '../../etc', 'nonsense']) expect(() => parseCursor(id)).toThrow(expect.objectContaining({ code: 'logs.cursor_invalid' }));
  });
});

describe('output that is followed', () => {
  const follow = (reading: LogReading, clock: VirtualClock, owner: Partial<Awaited<ReturnType<FollowedOwner['look']>>> = {}) => {
    const stop = new AbortController();
    const items: LogItem[] = [];
    const state = { known: new Map<string, ReadReplica>(), joined: [] as ReadReplica[], isOver: false, ...owner } as { known: Map<string, ReadReplica>; joined: ReadReplica[]; isOver: boolean };
    const look: FollowedOwner['look'] = async () => ({ ...state, joined: state.joined.splice(0) });
    const running = (async () => {
      for await (const batch of reading.past(true)) items.push(...batch);
      for await (const batch of followLogs(reading, { look }, clock, stop.signal)) items.push(...batch);
    })();
    return { items, state, stop: async () => (stop.abort(), await clock.advance(10), running), running };
  };

  it('comes as it is written, from replicas that join later, too, and ends when all is over', async () => {
    const { bus, clock, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 3);
    const followed = follow(new LogReading(bus, [replica('a')], { tail: 1, cursor: null }, null), clock);
    await clock.advance(1_500);
    await keepers[0].says('rep_a', 3, 5);
    await keepers[1].says('rep_b', 4, 6);
    followed.state.joined.push(replica('b', { generation: 2, node_id: 'node_2' }));
    await clock.advance(3_000);
    expect(texts(followed.items).sort()).toEqual(['rep_a 2', 'rep_a 3', 'rep_a 4', 'rep_b 4', 'rep_b 5']);
    await keepers[0].says('rep_a', 5, 6);
    for (const [name, over] of [['a', {}], ['b', { generation: 2, node_id: 'node_2' }]] as const) followed.state.known.set(`rep_${name}`, replica(name, { ...over, final: true }));
    followed.state.isOver = true;
    await clock.advance(4_000);
    await followed.running;
    expect(texts(followed.items)).toContain('rep_a 5');
    expect(codes(followed.items)).toEqual(['end']);
    // The one that was followed in its slot needn't be named any more.
    expect(ids(followed.items).at(-1)!.split('~').length).toBeLessThanOrEqual(4);
  });

  it('says when a node falls silent, and when it is heard again nothing is missing or double', async () => {
    const { bus, clock, broker, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 10);
    const followed = follow(new LogReading(bus, [replica('a')], everything, null), clock);
    await clock.advance(1_000);
    keepers[0].bus.disconnect();
    await clock.advance(8_000);
    await keepers[0].says('rep_a', 10, 20);
    expect(codes(followed.items)).toEqual(['node_silent']);
    keepers[0].bus.reconnect();
    const end = broker.drop(({ kind }) => kind === 'answer');
    await clock.advance(4_000);
    end();
    await clock.advance(8_000);
    await keepers[0].says('rep_a', 20, 25);
    await clock.advance(4_000);
    await followed.stop();
    expect(texts(followed.items)).toEqual(Array.from({ length: 25 }, (_, i) => `rep_a ${i}`));
    expect(codes(followed.items)).toEqual(['node_silent', 'node_heard']);
  });

  it('begins with the tail of a node that was silent at first, once that one is heard', async () => {
    const { bus, clock, keepers } = setUp();
    await keepers[0].says('rep_a', 0, 50);
    keepers[0].bus.disconnect();
    const followed = follow(new LogReading(bus, [replica('a')], { tail: 2, cursor: null }, null), clock);
    await clock.advance(2_000);
    expect(codes(followed.items)).toEqual(['node_silent']);
    keepers[0].bus.reconnect();
    await clock.advance(4_000);
    await followed.stop();
    expect(texts(followed.items)).toEqual(['rep_a 48', 'rep_a 49']);
  });

  it('gives up a replica that is gone together with its node', async () => {
    const { bus, clock } = setUp();
    const gone = replica('a', { node_id: 'node_gone', final: true });
    const followed = follow(new LogReading(bus, [gone], everything, null), clock, { isOver: true, known: new Map([['rep_a', gone]]) });
    await clock.advance(20_000);
    await followed.running;
    expect(codes(followed.items)).toEqual(['node_silent', 'end']);
  });
});
