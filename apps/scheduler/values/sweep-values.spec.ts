import { secret, Sensitive, streamOf, type CommandMetadata } from '#domain';
import type { ValueRef } from '#secrets';
import { MemoryLogger } from '#testing';
import { IDS, SchedulerWorld } from '../../../test/simulation/scheduler-world.ts';
import { SWEEP, SweepValues } from './sweep-values.ts';

let world: SchedulerWorld;
beforeEach(async () => {
  world = await SchedulerWorld.begin();
});
afterEach(() => world.end());

const metadata = (commandId: string): CommandMetadata => ({ commandId, tenantId: IDS.projectId, actor: { type: 'token', id: 't' }, originId: null, now: 0, correlationId: commandId, causationId: null });
const ref = (version: number, valueId: string, id = 'sec_db'): ValueRef => ({ projectId: IDS.projectId, id, version, valueId });
const kept = async (): Promise<string[]> => {
  const refs: string[] = [];
  for await (const { id, version, valueId } of world.vault.kept()) refs.push(`${id} ${version} ${valueId}`);
  return refs.sort();
};
const keep = (...lost: ValueRef[]) => Promise.all(lost.map((each) => world.vault.keep(each, new Sensitive('lost'))));

describe('values that nothing names', () => {
  it('go after a day, and none that an event names', async () => {
    await world.keepSecret(1);
    await world.keepSecret(2);
    await keep(ref(2, 'came second'), ref(3, 'never told'), ref(1, 'never created', 'sec_other'), ref(1, 'never created', 'cfg_other'));
    await world.clock.advance(SWEEP.unnamedForMs - 2 * SWEEP.everyMs);
    expect(await kept()).toHaveLength(6);
    await world.clock.advance(4 * SWEEP.everyMs);
    expect(await kept()).toEqual(['sec_db 1 value 1', 'sec_db 2 value 2']);
  }, 60_000);

  it('of what was deleted go at the next look: whoever deleted it ended before he could forget them', async () => {
    await world.keepSecret(1);
    await keep(ref(2, 'too late'));
    await world.aggregates.handle(secret, streamOf('secret', 'sec_db'), { type: 'DeleteSecret', data: {} }, metadata('d'));
    await world.clock.advance(SWEEP.everyMs + 60_000);
    expect(await kept()).toEqual([]);
  });

  it('stay where one is named in the end, however late', async () => {
    const sweep = new SweepValues({ aggregates: world.aggregates, vault: world.vault, clock: world.clock, logger: new MemoryLogger() }, 1_000);
    await world.keepSecret(1);
    await keep(ref(2, 'late'));
    await sweep.look();
    await world.aggregates.handle(secret, streamOf('secret', 'sec_db'), { type: 'AddSecretVersion', data: { version: 2, valueId: 'late', apply: 'now' } }, metadata('v'));
    await world.clock.advance(2_000);
    await sweep.look();
    expect(await kept()).toEqual(['sec_db 1 value 1', 'sec_db 2 late']);
  });

  it('are given their time anew by whoever starts, as after a log was put back', async () => {
    const begin = () => new SweepValues({ aggregates: world.aggregates, vault: world.vault, clock: world.clock, logger: new MemoryLogger() }, 1_000);
    await keep(ref(1, 'of a later log'));
    const before = begin();
    await before.look();
    await world.clock.advance(999);
    await before.look();
    await world.clock.advance(1);
    const after = begin();
    await after.look();
    expect(await kept()).toHaveLength(1);
    await world.clock.advance(1_000);
    await after.look();
    expect(await kept()).toEqual([]);
  });
});
