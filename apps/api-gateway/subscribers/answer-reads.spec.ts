import fc from 'fast-check';
import { subjects, type EventPage, type EventReadReply, type LoggedEvent } from '#contracts';
import { eventIdOf, type NewEvent } from '#event-store';
import { readEvents, type ReadEvents } from '#messaging';
import { MemoryBroker, MemoryEventStore, newEvents, seededRandom, someMetadata, VirtualClock } from '#testing';
import { answerEventReads } from './answer-reads.ts';

/** Gateways on one log, and whoever asks them. */
function house(gateways = 1) {
  const clock = new VirtualClock();
  const broker = new MemoryBroker(clock);
  const store = new MemoryEventStore();
  const ends = Array.from({ length: gateways }, (_, n) => answerEventReads(broker.bus(`gateway ${n}`), store));
  const bus = broker.bus('subscriber');
  const ask = (request: unknown): Promise<EventReadReply> => bus.request<EventReadReply>(subjects.readEvents, request, 1_000);
  const page = async (request: unknown): Promise<EventPage> => {
    const reply = await ask(request);
    if (!('events' in reply)) throw new Error(`no page: ${JSON.stringify(reply).slice(0, 200)}`);
    return reply;
  };
  let appended = 0;
  /** A plan's change; its `name` tells it from others. */
  const append = async (name: string, over: Partial<NewEvent['metadata']> = {}, stream = 'plan-small'): Promise<void> => {
    appended += 1;
    const type = stream.startsWith('plan-') ? 'PlanChanged' : 'NodeDrained';
    await store.append(stream, 'any', newEvents(stream, [{ type, data: { name } }], { commandId: `c${appended}`, ...over }));
    broker.bus('appender').publish(subjects.hint(over.tenantId ?? 'prj_a'), { position: '' });
  };
  return { clock, broker, store, bus, ask, page, append, ends };
}

const names = (events: readonly LoggedEvent[]): string[] => events.map(({ data }) => (data as unknown as { name: string }).name);

describe('answering reads of the log', () => {
  it('gives events with who caused them, and says where to go on', async () => {
    const { page, append, store } = house();
    expect(await page({ after: null })).toEqual({ storeId: store.storeId, events: [], next: null });
    await append('one', { bodyHash: 'secret to others', correlationId: 'request', causationId: 'cause' });
    await append('two', { tenantId: 'platform' });
    const all = await page({ after: null });
    expect(all.events[0]).toEqual({
      position: '00000000000000000001',
      id: eventIdOf('c1', 'plan-small', 0),
      stream: 'plan-small',
      revision: 0,
      type: 'PlanChanged',
      data: { name: 'one' },
      at: someMetadata().at,
      actor: someMetadata().actor,
      projectId: 'prj_a',
      correlationId: 'request',
      causationId: 'cause',
    });
    expect([names(all.events), all.next, all.events[1]!.projectId]).toEqual([['one', 'two'], '00000000000000000002', null]);
    expect(await page({ after: all.next })).toEqual({ storeId: store.storeId, events: [], next: all.next });
  });

  it('leaves out what the filter does, and passes over it', async () => {
    const { page, append } = house();
    await append('mine', { tenantId: 'prj_a' });
    await append('theirs', { tenantId: 'prj_b' });
    await append('drained', { tenantId: 'platform' }, 'node-node_a');
    const found = async (filter: object) => names((await page({ after: null, ...filter })).events);
    expect(await found({ types: ['PlanChanged'] })).toEqual(['mine', 'theirs']);
    expect(await found({ types: ['PlanChanged', 'NodeDrained'], projects: ['prj_b'] })).toEqual(['theirs']);
    expect(await found({ projects: ['prj_a', 'prj_b'] })).toEqual(['mine', 'theirs']);
    expect([await found({ types: [] }), await found({ projects: [] })]).toEqual([[], []]);
    // None of these is in the log, and that was looked for up to its end.
    expect(await page({ after: null, types: ['JobEnded'] })).toMatchObject({ events: [], next: '00000000000000000003' });
  });

  it('keeps a page small: by the events asked for, and by their size', async () => {
    const { page, append } = house();
    for (let n = 0; n < 6; n += 1) await append(`${n}${'x'.repeat(100_000)}`);
    const first = await page({ after: null });
    expect([first.events.length, first.next]).toEqual([3, first.events[2]!.position]);
    expect((await page({ after: first.next })).events).toHaveLength(3);
    expect((await page({ after: null, limit: 2 })).next).toBe(first.events[1]!.position);
  });

  it('gives an event in pieces that no message can carry', async () => {
    const { clock, append, bus } = house();
    const large = '"ü🚢\\\u0001\ud800'.repeat(200_000);
    for (const name of ['before', large, 'after']) await append(name);
    const got: LoggedEvent[] = [];
    for await (const event of readEvents(bus, { after: null, clock, random: seededRandom(1), types: ['PlanChanged'] })) {
      got.push(event);
      if (got.length === 3) break;
    }
    expect(names(got).map((name) => name === large || name)).toEqual(['before', true, 'after']);
  });

  it.each<[object | null | string, string]>([
    [null, 'send a JSON object'],
    ['?', 'send a JSON object'],
    [{ after: 7 }, 'after takes the position'],
    [{ after: '7' }, 'after takes the position'],
    [{ types: ['DeploymentEndet'] }, 'no event of type DeploymentEndet'],
    [{ types: 'DeploymentEnded' }, 'types takes a list'],
    [{ projects: [1] }, 'projects takes a list'],
    [{ projects: ['svc_a'] }, 'svc_a is no id of a project'],
    [{ limit: 0 }, 'limit takes'],
    [{ limit: 501 }, 'limit takes'],
    [{ offset: -1 }, 'offset takes'],
    [{ type: ['DeploymentEnded'] }, '"type" is nothing'],
  ])('refuses what can’t be meant: %j', async (request, why) => {
    const { ask } = house();
    expect(await ask(request)).toEqual({ refused: { code: 'events.request_invalid', message: expect.stringContaining(why) } });
  });

  it('refuses a position past the end of the log: it is of another history', async () => {
    const { ask, append } = house();
    await append('one');
    expect(await ask({ after: '00000000000000000002' })).toMatchObject({ refused: { code: 'events.other_history', message: expect.stringContaining('ends before') } });
    await append('two');
    expect(await ask({ after: '00000000000000000002' })).toMatchObject({ events: [] });
  });

  it('answers no more when it was ended', async () => {
    const { ask, ends } = house(2);
    ends[0]!();
    expect(await ask({ after: null })).toMatchObject({ events: [] });
    ends[1]!();
    await expect(ask({ after: null })).rejects.toMatchObject({ code: 'bus.no_responder' });
  });
});

/** What may happen, in any order, while somebody subscribes. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), project: fc.constantFrom('prj_a', 'prj_b'), large: fc.boolean() }) },
  fc.record({ kind: fc.constantFrom('lose requests' as const, 'lose answers' as const, 'lose hints' as const, 'carry all' as const) }),
  fc.record({ kind: fc.constantFrom('disconnect' as const, 'reconnect' as const, 'stop' as const, 'start' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
);

describe('a subscriber that keeps its position', () => {
  it('gets each event once and in order, whatever is lost, and whenever it stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), fc.boolean(), async (happenings, filtered) => {
        const { clock, broker, bus, append, store } = house(2);
        const filter: Pick<ReadEvents, 'projects'> = filtered ? { projects: ['prj_a'] } : {};
        const got: string[] = [];
        let kept: string | null = null;
        let running: { leaving: AbortController; done: Promise<void> } | null = null;
        const start = (): void => {
          const leaving = new AbortController();
          const done = (async () => {
            for await (const event of readEvents(bus, { ...filter, after: kept, clock, random: seededRandom(1), signal: leaving.signal })) {
              got.push(event.position);
              kept = event.position;
            }
          })();
          running = { leaving, done };
        };
        const stop = async (): Promise<void> => {
          running?.leaving.abort();
          await running?.done;
          running = null;
        };
        let carry = (): void => undefined;
        const lose = (rule: Parameters<typeof broker.drop>[0]): void => {
          carry();
          carry = broker.drop(rule);
        };
        for (const [n, event] of happenings.entries()) {
          if (event.kind === 'append') await append(event.large ? `${n}${'x'.repeat(450_000)}` : `${n}`, { tenantId: event.project });
          else if (event.kind === 'wait') await clock.advance(event.ms);
          else if (event.kind === 'lose requests') lose(({ kind }) => kind === 'request');
          else if (event.kind === 'lose answers') lose(({ kind }) => kind === 'answer');
          else if (event.kind === 'lose hints') lose(({ kind }) => kind === 'message');
          else if (event.kind === 'carry all') carry();
          else if (event.kind === 'disconnect') bus.disconnect();
          else if (event.kind === 'reconnect') bus.reconnect();
          else if (event.kind === 'stop') await stop();
          else if (!running) start();
        }
        carry();
        bus.reconnect();
        if (!running) start();
        await clock.advance(30_000);
        await stop();
        const expected = store.log.filter(({ metadata }) => !filtered || metadata.tenantId === 'prj_a').map(({ position }) => position);
        expect(got).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
