import { upcast } from '#domain';
import type { NewEvent } from '#event-store';
import { systemClock, systemRandom } from '#platform';
import { openSqliteReadModels, Projector, views, type ReadModelStore } from '#read-models';
import { MemoryEventStore, MemoryLogger } from '#testing';
import type { Gateway } from '../gateway.ts';
import { ProjectionsController } from './projections.controller.ts';
import { Projections } from './projections.ts';

const RESOURCES = { request: { cpuMillis: 100, memoryBytes: 64 }, limit: { cpuMillis: 200, memoryBytes: 128 } };
const defined: NewEvent = {
  id: 'e1',
  type: 'PlanDefined',
  data: { name: 'small', resources: RESOURCES },
  metadata: { commandId: 'c1', tenantId: 'platform', actor: { type: 'token', id: 'tok_1' }, originId: null, correlationId: 'r1', causationId: null, at: '2026-01-01T12:00:00.000Z', schema: 1 },
};

let models: ReadModelStore;
let logger: MemoryLogger;
let projections: Projections;
let controller: ProjectionsController;

beforeEach(async () => {
  const store = new MemoryEventStore();
  logger = new MemoryLogger();
  const common = { clock: systemClock, random: systemRandom, logger };
  models = await openSqliteReadModels({ ...common, file: ':memory:' });
  projections = new Projections([new Projector({ ...common, store, models, view: views.plans, upcast })], views, { store, models, upcast, logger });
  controller = new ProjectionsController({ parts: { projections, models } } as unknown as Gateway);
  projections.start();
  const { position } = await store.append('plan-small', 'any', [defined]);
  expect(await projections.reached('plans', position, 5_000)).toBe(true);
});
afterEach(async () => {
  await projections.stop();
  await models.close();
});

const plans = async () => ((await controller.list()) as { items: { name: string; rebuilding: boolean; version: number; last_rebuild: unknown }[] }).items.find(({ name }) => name === 'plans')!;

async function rebuilt() {
  expect(await controller.rebuild('plans', {})).toMatchObject({ name: 'plans', rebuilding: true });
  while ((await plans()).rebuilding) await systemClock.sleep(5);
  return plans();
}

describe('a rebuild on request', () => {
  it('says what it compared before it flipped', async () => {
    expect((await plans()).last_rebuild).toBeNull();
    expect(await rebuilt()).toMatchObject({ version: 1_001, last_rebuild: { version: 1_001, events: 1, compared: { documents: 1, differences: 0, unsettled: 0 }, differences: [] } });
  });

  it('names what a live document had that the log has not, and the other way round', async () => {
    const ref = { view: 'plans', version: 1_000 };
    const position = (await models.checkpoint(ref))!;
    await models.apply(ref, position, position, [{ put: { ...(await models.get<object>('plans', 'small')), id: 'ghost', position } }]);
    const { last_rebuild } = await rebuilt();
    const [difference] = (last_rebuild as { differences: { live: string }[] }).differences;
    expect(last_rebuild).toMatchObject({ compared: { documents: 2, differences: 1 }, differences: [{ document_id: 'ghost', path: '', replayed: null }] });
    expect(JSON.parse(difference!.live)).toMatchObject({ id: 'ghost', name: 'small' });
    expect(logger.entries).toContainEqual({ level: 'warn', message: 'a live document differed from the log', fields: { view: 'plans', document_id: 'ghost', path: '' } });
    expect(await models.get('plans', 'ghost')).toBeNull();
    expect((await rebuilt()).last_rebuild).toMatchObject({ version: 1_002, differences: [] });
  });

  it('that came to nothing says why, until one goes well', async () => {
    const { activate } = models;
    models.activate = () => Promise.reject(new Error('the disk is full'));
    expect(await rebuilt()).toMatchObject({ version: 1_000, last_rebuild: null, rebuild_failed: 'the disk is full' });
    models.activate = activate;
    expect(await rebuilt()).toMatchObject({ last_rebuild: { events: expect.any(Number) }, rebuild_failed: null });
  });

  it('is refused for what is no view', async () => {
    await expect(controller.rebuild('boats', {})).rejects.toMatchObject({ code: 'projection.not_found' });
  });
});
