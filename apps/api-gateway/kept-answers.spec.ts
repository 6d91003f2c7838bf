import * as fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { subjects, type Heartbeat, type TenantContext } from '#contracts';
import type { NodeId } from '#domain';
import { openSqliteReadModels, type ReadModelStore, type Reads } from '#read-models';
import { MemoryBroker, MemoryLogger, VirtualClock } from '#testing';
import { answerOf, KeptAnswers } from './kept-answers.ts';
import { HeardNodes } from './nodes/heard-nodes.ts';

const OPERATOR: TenantContext = { principal: { type: 'token', id: 'tok_operator' }, projects: 'all', role: 'operator' };
const boats = { view: 'boats', version: 1 };
const NODES: readonly NodeId[] = ['node_1', 'node_2'];

interface Boat {
  readonly length: number;
  readonly revision: number;
}

/** What two nodes and one document say. */
async function boatAnswer({ models, liveness }: Reads) {
  const boat = await models.get<Boat>('boats', 'ada');
  return boat && { ...boat, silent: NODES.filter((node) => liveness.silent(node)), heard: liveness.lastHeardAt('node_1') };
}

describe('an answer that is kept', () => {
  let folder: string;
  let own: ReadModelStore;
  let other: ReadModelStore;
  let position: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-kept-'));
    const open = () => openSqliteReadModels({ file: join(folder, 'views.db'), clock: new VirtualClock(), random: () => 0.5, logger: new MemoryLogger() });
    [own, other] = [await open(), await open()];
    await own.prepare({ ...boats, indexes: [] });
    await own.activate('boats', 1);
    position = 0;
  });
  afterEach(async () => {
    for (const models of [own, other]) await models.close();
    await rm(folder, { recursive: true });
  });

  const at = (n: number): string => String(n).padStart(6, '0');
  const write = async (models: ReadModelStore, id: string, length: number): Promise<void> => {
    const before = position === 0 ? null : at(position);
    position += 1;
    const put = { id, position: at(position), length, revision: position };
    expect(await models.apply(boats, before, at(position), [{ put }])).toBe('applied');
  };

  const setUp = () => {
    const clock = new VirtualClock();
    const broker = new MemoryBroker(clock);
    const heard = new HeardNodes(clock);
    heard.listen(broker.bus('gateway'));
    const agents = broker.bus('agents');
    const beat = async (nodeId: NodeId): Promise<void> => {
      agents.publish(subjects.heartbeat(nodeId), { stand: { nodeId, storeId: null, applied: null, refusing: null }, beat: 1 } satisfies Heartbeat);
      await clock.advance(1);
    };
    const reads = { models: own, liveness: heard };
    let made = 0;
    const kept = new KeptAnswers(reads);
    const ask = (tenant = OPERATOR, key = 'ada') =>
      kept.answer(tenant, key, (given) => {
        made += 1;
        return boatAnswer(given);
      });
    return { clock, beat, reads, ask, timesMade: () => made };
  };

  it('is what would be made anew, whoever writes and whoever falls silent', async () => {
    const step = fc.oneof(
      fc.record({ write: fc.constantFrom('own', 'other'), id: fc.constantFrom('ada', 'bea'), length: fc.nat(3) }),
      fc.record({ beat: fc.constantFrom(...NODES) }),
      fc.record({ wait: fc.constantFrom(10, 4_000, 9_999) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, beat, reads, ask } = setUp();
        for (const each of steps) {
          if ('write' in each) await write(each.write === 'own' ? own : other, each.id, each.length);
          if ('beat' in each) await beat(each.beat);
          if ('wait' in each) await clock.advance(each.wait);
          const anew = await boatAnswer(reads);
          expect(await ask()).toEqual(anew && answerOf(anew));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is made once for as long as nothing changes', async () => {
    const { clock, beat, ask, timesMade } = setUp();
    await write(own, 'ada', 12);
    await beat('node_1');
    const first = await ask();
    await clock.advance(9_000);
    expect(await ask()).toBe(first);
    expect([timesMade(), first]).toEqual([1, { json: expect.stringContaining('"length":12'), revision: 1 }]);
    await clock.advance(1_500);
    expect((await ask())!.json).toContain('"silent":["node_1","node_2"]');
  });

  it('is never given to another context, or under another key', async () => {
    const { ask, timesMade } = setUp();
    await write(own, 'ada', 12);
    for (const asked of [ask, () => ask({ ...OPERATOR }), () => ask(OPERATOR, 'bea')]) await asked();
    expect(timesMade()).toBe(3);
  });

  it('is looked at once for all who ask in one turn, and never before the last of them has asked', async () => {
    const { reads } = setUp();
    let looks = 0;
    const models = Object.assign(Object.create(own) as typeof own, { mark: () => ((looks += 1), own.mark()) });
    const kept = new KeptAnswers({ ...reads, models });
    await write(own, 'ada', 1);
    await kept.answer(OPERATOR, 'ada', boatAnswer);
    const first = kept.answer(OPERATOR, 'ada', boatAnswer);
    await write(other, 'ada', 2);
    const asked = [first, kept.answer(OPERATOR, 'ada', boatAnswer), kept.answer(OPERATOR, 'ada', boatAnswer)];
    for (const answer of await Promise.all(asked)) expect(answer!.json).toContain('"length":2');
    expect(looks).toBe(2);
  });

  it('is not kept where it was read while somebody wrote', async () => {
    const { reads } = setUp();
    await write(own, 'ada', 1);
    const kept = new KeptAnswers(reads);
    const torn = kept.answer(OPERATOR, 'ada', async (given) => {
      const before = await boatAnswer(given);
      await write(other, 'ada', 2);
      await kept.answer(OPERATOR, 'bea', boatAnswer);
      return before;
    });
    expect((await torn)!.json).toContain('"length":1');
    expect((await kept.answer(OPERATOR, 'ada', boatAnswer))!.json).toContain('"length":2');
  });
});
