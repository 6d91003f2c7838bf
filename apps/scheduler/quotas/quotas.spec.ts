import { changeDockerService, dispatcherOn, reserveForJob } from '#application';
import { dockerService, heldRoom, NO_AMOUNTS, NO_QUOTA, project, streamOf, type ProjectCommand, type QuotaAmounts } from '#domain';
import { IDS, SchedulerWorld, SPEC } from '../../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(() => world.end());

const { limit } = SPEC.resources;
const containers = (number: number, replicas = number): QuotaAmounts => ({ ...NO_AMOUNTS, cpuMillis: number * limit.cpuMillis, memoryBytes: number * limit.memoryBytes, replicas });
const quotas = async () => (await world.aggregates.load(project, streamOf('project', IDS.projectId))).state.quotas;
const held = async (holder: string): Promise<QuotaAmounts | null> => {
  const holding = (await quotas()).holdings.get(holder);
  return holding ? heldRoom(holding) : null;
};
const until = (test: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> => world.clock.advanceUntil(test, ms);
const metadata = (commandId: string) => ({ commandId, tenantId: IDS.projectId, actor: { type: 'system', id: 'test' }, originId: null, now: world.clock.now(), correlationId: commandId, causationId: null }) as const;
const onProject = (command: ProjectCommand, commandId = `${command.type} ${world.clock.now()}`) => world.aggregates.handle(project, streamOf('project', IDS.projectId), command, metadata(commandId));
const scale = (replicas: number, commandId = `scale to ${replicas} at ${world.clock.now()}`) =>
  changeDockerService(
    { dispatcher: dispatcherOn(world.aggregates), aggregates: world.aggregates },
    { dockerServiceId: IDS.serviceId, ifMatch: undefined, from: async () => ({ type: 'ScaleDockerService', data: { replicas } }) },
    metadata(commandId),
  );

describe('the room of a service', () => {
  it('is counted where it was created before there were quotas', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(2);
    await until(async () => (await held(IDS.serviceId))?.replicas === 2);
    expect(await held(IDS.serviceId)).toEqual(containers(2));
  });

  it('is reserved before it grows, and given back when the nodes have released what went', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(2);
    await until(() => world.isStable(2));
    await until(async () => (await held(IDS.serviceId))?.replicas === 2);
    await scale(4);
    expect(await held(IDS.serviceId)).toEqual(containers(4));
    await until(() => world.isStable(4));
    await scale(1);
    expect(await held(IDS.serviceId)).toEqual(containers(4));
    await until(async () => (await held(IDS.serviceId))?.replicas === 1);
    const log = world.store.log.map(({ type }) => type);
    expect(log.lastIndexOf('RoomSettled')).toBeGreaterThan(log.lastIndexOf('ReplicaReleased'));
    expect(await held(IDS.serviceId)).toEqual(containers(1));
  });

  it('goes with it, and nothing is left', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(2);
    await until(() => world.isStable(2));
    await world.deleteService();
    await until(() => world.events('NameReleased').length === 1);
    expect((await quotas()).holdings.size).toBe(0);
    expect((await quotas()).reserved).toEqual(NO_AMOUNTS);
  });

  it('is given back where its service was voided, and a log was put back to before that stood on the project', async () => {
    world = await SchedulerWorld.begin();
    const [holder, name] = ['svc_never', 'never'] as const;
    await onProject({ type: 'ReserveRoom', data: { holder, countsFor: holder, at: 0, commandId: 'cmd', amounts: containers(2) } });
    const voiding = { type: 'VoidReservation', data: { commandId: 'cmd', name, reason: { code: 'never_came', message: 'it never came' } } } as const;
    await world.aggregates.handle(dockerService, streamOf('docker_service', holder), voiding, metadata('void'));
    await until(async () => (await held(holder)) === null);
    expect((await quotas()).reserved).toEqual(NO_AMOUNTS);
  });

  it('is given to as many of those who ask at once as it suffices for', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await until(async () => (await held(IDS.serviceId))?.replicas === 1);
    await onProject({ type: 'ChangeProjectQuota', data: { quota: { ...NO_QUOTA, replicas: 3 } } });
    const answers = await Promise.allSettled([2, 3, 4, 5].map((replicas) => scale(replicas)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(await held(IDS.serviceId)).toEqual(containers(3));
  });

  it('is freed a minute after it was reserved for a change that never came, which can not come any more', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await until(() => world.isStable(1));
    await world.clock.advance(1_000);
    const { revision } = await world.aggregates.load(dockerService, streamOf('docker_service', IDS.serviceId));
    await onProject({ type: 'ReserveRoom', data: { holder: IDS.serviceId, countsFor: IDS.serviceId, at: Number(revision) + 1, commandId: 'died', amounts: containers(5) } });
    await world.clock.advance(55_000);
    expect(await held(IDS.serviceId)).toEqual(containers(5));
    await until(async () => (await held(IDS.serviceId))?.replicas === 1, 20_000);
    expect(world.events('ChangeVoided')).toHaveLength(1);
    await expect(scale(5, 'died')).rejects.toMatchObject({ code: 'reservation.voided' });
  });
});

describe('the room of a job', () => {
  const definition = { jobId: IDS.jobId, projectId: IDS.projectId, spec: SPEC } as const;

  it('is held until it has ended and its container is gone', async () => {
    world = await SchedulerWorld.begin();
    await reserveForJob(dispatcherOn(world.aggregates), definition, metadata('job'));
    await world.runJob();
    await until(() => world.nodes[0]!.alive.length === 1);
    expect(await held(IDS.jobId)).toEqual(containers(1));
    await world.endJob();
    await until(async () => (await held(IDS.jobId)) === null);
    const log = world.store.log.map(({ type }) => type);
    expect(log.indexOf('RoomReleased')).toBeGreaterThan(log.indexOf('ReplicaReleased'));
  });

  it('is counted where it was made before there were quotas', async () => {
    world = await SchedulerWorld.begin();
    await world.runJob();
    await until(async () => (await held(IDS.jobId)) !== null);
    expect(await held(IDS.jobId)).toEqual(containers(1));
  });

  it('is freed a minute after it was reserved for one that never came, which can not come any more', async () => {
    world = await SchedulerWorld.begin();
    await reserveForJob(dispatcherOn(world.aggregates), definition, metadata('job'));
    await until(async () => (await held(IDS.jobId)) === null, 90_000);
    expect(world.events('JobReservationVoided')).toHaveLength(1);
    await expect(world.runJob()).rejects.toMatchObject({ code: 'reservation.voided' });
  });
});
