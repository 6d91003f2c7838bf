import { dispatcherOn, projectIdOf, voidReserved } from '#application';
import { PLATFORM, schemaOf, upcast, type CommandMetadata } from '#domain';
import { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';
import { MemoryEventStore, seededRandom, VirtualClock } from '#testing';
import { firstStart } from './first-start.ts';

describe('the first start', () => {
  it('makes the project anew where an earlier one lost its name before it was there, once', async () => {
    const [store, clock] = [new MemoryEventStore(), new VirtualClock()];
    const aggregates = new AggregateStore({ store, clock, random: seededRandom(1), upcast, schemaOf });
    const dispatcher = dispatcherOn(aggregates);
    const command = commandIdOf('first-start', 'project default');
    const metadata: CommandMetadata = { commandId: 'void', tenantId: PLATFORM, actor: { type: 'system', id: 'scheduler' }, originId: null, now: 0, correlationId: 'void', causationId: null };
    const reason = { code: 'never_came', message: 'nothing followed' };
    await voidReserved(aggregates, { kind: 'project', id: projectIdOf(command) }, { commandId: command, name: 'default', reason }, metadata);
    for (const _ of ['at first', 'again']) await firstStart({ dispatcher, aggregates, clock });
    const made = store.log.filter(({ type }) => type === 'ProjectCreated');
    expect(made.map(({ data }) => data)).toMatchObject([{ name: 'default' }]);
  });
});
