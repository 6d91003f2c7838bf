import { setTimeout as pause } from 'node:timers/promises';
import { type Doc, World } from './world.ts';

const TEN = 10;

async function exactlyTen(world: World, id: string): Promise<void> {
  await world.running(id, TEN, 90_000);
  const containers = await world.containers(id);
  expect(containers.filter((c) => c.state === 'running')).toHaveLength(TEN);
  expect(containers).toHaveLength(TEN);
  const live = (await world.get(`/v1/docker-services/${id}/replicas?limit=200`)).items.filter((r: Doc) => r.state === 'RUNNING');
  expect(live.map((r: Doc) => r.slot).sort((a: number, b: number) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(new Set(live.map((r: Doc) => r.container_id)).size).toBe(TEN);
}

/** Watches the engine while it lasts: never more than one live container for a slot. */
async function withoutDoubles(world: World, id: string, during: () => Promise<void>): Promise<void> {
  let over = false;
  const doubles: string[] = [];
  const watch = (async () => {
    while (!over) {
      const slots = (await world.docker(['ps', '--filter', `label=waybill.owner_id=${id}`, '--format', '{{.Label "waybill.slot"}}'])).split('\n').filter(Boolean);
      if (new Set(slots).size !== slots.length) doubles.push(slots.join(','));
      await pause(150);
    }
  })();
  try {
    await during();
  } finally {
    over = true;
    await watch;
  }
  expect(doubles).toEqual([]);
}

describe('crashes in the middle of a scale to 10', () => {
  let world: World;
  beforeAll(async () => (world = await World.start({ instances: { scheduler: 2 } })), 90_000);
  afterAll(() => world?.stop(), 60_000);

  it('survives SIGKILL of the schedulers and of the agent', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'killed' });
    await world.running(id, 1);
    await withoutDoubles(world, id, async () => {
      await world.post(`/v1/docker-services/${id}/scale`, { replicas: TEN });
      await world.eventually('some containers are there', async () => (await world.containers(id)).length >= 2);
      for (const part of ['scheduler', 'scheduler-2', 'node-agent']) world.installation.part(part).signal('SIGKILL');
      await exactlyTen(world, id);
    });
    await world.call('DELETE', `/v1/docker-services/${id}`);
    await world.serviceWhen(id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
    expect(await world.containers(id)).toEqual([]);
  }, 180_000);

  it('survives a scheduler that is frozen for 15 s beside another and thawed', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'frozen' });
    await world.running(id, 1);
    await withoutDoubles(world, id, async () => {
      await world.post(`/v1/docker-services/${id}/scale`, { replicas: TEN });
      const frozen = world.installation.part('scheduler');
      frozen.signal('SIGSTOP');
      await pause(15_000); // the length of the freeze is what is tested
      frozen.signal('SIGCONT');
      await exactlyTen(world, id);
    });
    await world.eventually('it stays so', async () => (await world.service(id)).status === 'RUNNING');
    expect(await world.containers(id)).toHaveLength(TEN);
  }, 180_000);

  it('keeps containers through a restart of everything, and of the engine', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'kept', replicas: 2 });
    await world.running(id, 2);
    const before = (await world.containers(id)).map((c) => c.id).sort();
    await world.installation.stop();
    await world.engine.restart();
    expect((await world.containers(id)).every((c) => c.state === 'running')).toBe(true);
    await world.installation.start();
    await world.running(id, 2);
    expect((await world.containers(id)).map((c) => c.id).sort()).toEqual(before);
  }, 120_000);
});
