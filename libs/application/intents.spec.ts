import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { dockerService, project, schemaOf, streamOf, upcast, type CommandMetadata, type ContainerSpec, ALWAYS, DEFAULT_DEPLOY_SETTINGS, DEFAULT_TARGETS } from '#domain';
import { AggregateStore } from '#event-store';
import { MemoryEventStore, seededRandom, VirtualClock } from '#testing';
import {
  ApplicationModule, createDockerService, createEnvironment, createJob, createNetwork, createProject, createSchedule, deleteEnvironment, deleteProject, Dispatcher, dockerServiceIdOf, environmentOf, projectIdOf, ToDockerService, createVolume, volumeIdOf,
} from './index.ts';

const amount = { cpuMillis: 100, memoryBytes: 2 ** 27 };
const spec: ContainerSpec = {
  image: 'docker.io/library/nginx:1.27', pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], plan: null,
  resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS,
};
const deploy = { ...DEFAULT_DEPLOY_SETTINGS, minHealthyMs: 10, healthyDeadlineMs: 1_000, progressDeadlineMs: 1_000, maxFailures: 0 };
const saying = (commandId: string, bodyHash?: string): CommandMetadata => ({
  commandId, tenantId: projectIdOf('make'), actor: { type: 'token', id: 'tok' }, originId: null, now: 0, correlationId: commandId, causationId: null, bodyHash,
});

describe('an intent that spans streams', () => {
  const contexts: INestApplicationContext[] = [];
  let store: MemoryEventStore;
  let parts: { dispatcher: Dispatcher; aggregates: AggregateStore };
  const projectId = projectIdOf('make');
  const { environmentId } = environmentOf('make', 'default');
  const asked = { projectId, environmentId, name: 'api', kind: 'worker', replicas: 1, deploy, spec } as const;

  /** A gateway's. */
  async function partsOn(on: MemoryEventStore, clock = new VirtualClock()): Promise<typeof parts> {
    const aggregates = new AggregateStore({ store: on, clock, random: seededRandom(1), upcast, schemaOf });
    const context = await NestFactory.createApplicationContext(ApplicationModule.forRoot(aggregates), { logger: false });
    contexts.push(context);
    return { dispatcher: context.get(Dispatcher), aggregates };
  }

  beforeEach(async () => {
    store = new MemoryEventStore();
    parts = await partsOn(store);
    await createProject(parts, 'shop', saying('make'));
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  const claims = async (id: string = projectId) => [...(await parts.aggregates.load(project, streamOf('project', id))).state.claims.values()].map(({ name }) => name).sort();
  const service = async (commandId: string) => (await parts.aggregates.load(dockerService, streamOf('docker_service', dockerServiceIdOf(commandId)))).state;
  const types = async (stream: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { type } of store.readStream(stream)) found.push(type);
    return found;
  };

  it('claims a service’s name before the service is written, in three events of one append', async () => {
    const written = await createDockerService(parts, asked, saying('c1'));
    expect(await claims()).toEqual(['api']);
    expect(written).toMatchObject({ repeated: false, revision: 2n, state: { status: 'present', hostname: 'api.default.shop.internal', activeDeployment: { toRelease: 1 } } });
    expect(await types(streamOf('docker_service', dockerServiceIdOf('c1')))).toEqual(['DockerServiceCreated', 'ReleaseCut', 'DeploymentStarted']);
  });

  const mounting = (commandId: string) => {
    const data = { projectId, environmentId, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: dockerServiceIdOf(commandId) } as const;
    const volumes = [{ type: 'volume', volumeId: volumeIdOf(commandId, 'data'), name: 'data', mountPath: '/data', readOnly: false }] as const;
    return { ...asked, spec: { ...spec, volumes }, creates: [data] };
  };

  it('makes a service’s volumes, used by it, before the service is written; sent again, it makes none', async () => {
    for (const isRepeated of [false, true]) expect((await createDockerService(parts, mounting('c1'), saying('c1'))).repeated).toBe(isRepeated);
    expect(await claims()).toEqual(['api', 'data']);
    expect(await types(streamOf('volume', volumeIdOf('c1', 'data')))).toEqual(['VolumeCreated', 'VolumeUseBegan']);
    const order = store.log.map(({ type }) => type);
    expect(order.indexOf('VolumeUseBegan')).toBeLessThan(order.indexOf('DockerServiceCreated'));
  });

  it('gives a service’s name back where a volume of its was made by another meanwhile, and says so', async () => {
    const { creates: [data] } = mounting('c1');
    await createVolume(parts, { ...data!, madeFor: null }, saying('c0'));
    await expect(createDockerService(parts, mounting('c1'), saying('c1'))).rejects.toMatchObject({ code: 'volume.exists' });
    expect(await claims()).toEqual(['data']);
  });

  it('writes nothing at all for what breaks a rule', async () => {
    await expect(createDockerService(parts, { ...asked, replicas: -1 }, saying('c1'))).rejects.toMatchObject({ code: 'docker_service.invalid' });
    expect(await claims()).toEqual([]);
  });

  it('goes on after a crash between the claim and the service when it is sent again', async () => {
    await createDockerService(parts, asked, saying('c0'));
    const append = store.append.bind(store);
    store.append = (stream, ...rest) => (stream.startsWith('docker_service-') ? Promise.reject(new Error('crash')) : append(stream, ...rest));
    await expect(createDockerService(parts, { ...asked, name: 'web' }, saying('c1'))).rejects.toThrow('crash');
    store.append = append;
    expect(await claims()).toEqual(['api', 'web']);
    expect(await createDockerService(parts, { ...asked, name: 'web' }, saying('c1'))).toMatchObject({ repeated: false, state: { name: 'web' } });
    expect(await claims()).toEqual(['api', 'web']);
  });

  it('releases the name at once when the service is refused, and tells every later retry to start anew', async () => {
    const reason = { code: 'volume.exists', message: 'another request makes it' };
    const voiding = { type: 'VoidReservation', data: { commandId: 'c1', name: 'api', reason } } as const;
    await parts.dispatcher.send(new ToDockerService(dockerServiceIdOf('c1'), voiding, saying('void')));
    for (let time = 1; time <= 2; time += 1) {
      await expect(createDockerService(parts, asked, saying('c1'))).rejects.toMatchObject({ kind: 'conflict', code: 'reservation.voided', facts: { reason: 'volume.exists' } });
      expect(await service('c1')).toEqual({ status: 'voided', reason });
    }
    expect(await createDockerService(parts, asked, saying('c2'))).toMatchObject({ repeated: false });
    expect(await claims()).toEqual(['api']);
  });

  /** Whoever is about to write this stands still from then on, until it may go on. */
  const standingBefore = (event: string) => {
    const [standing, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const append = store.append.bind(store);
    store.append = async (stream, expected, events) => {
      if (events.some(({ type }) => type === event)) {
        standing.resolve();
        await going.promise;
      }
      return append(stream, expected, events);
    };
    return { standing: standing.promise, goOn: () => going.resolve() };
  };

  it('never writes a service whose name another try of the same request has given back', async () => {
    const { creates: [data] } = mounting('c1');
    const clock = new VirtualClock();
    const other = await partsOn(store, clock);
    // This try stands still before it writes the service; another one, at another gateway, finds its volume taken, and is refused.
    const { standing, goOn } = standingBefore('DockerServiceCreated');
    const first = createDockerService(other, asked, saying('c1'));
    await standing;
    await createVolume(parts, { ...data!, madeFor: null }, saying('c0'));
    await expect(createDockerService(parts, mounting('c1'), saying('c1'))).rejects.toMatchObject({ code: 'volume.exists' });
    expect(await claims()).toEqual(['data']);
    goOn();
    void clock.advance(1_000);
    await expect(first).rejects.toMatchObject({ code: 'reservation.voided', facts: { reason: 'volume.exists' } });
    expect(await service('c1')).toMatchObject({ status: 'voided', reason: { code: 'volume.exists' } });
    await expect(createDockerService(parts, asked, saying('c1'))).rejects.toMatchObject({ code: 'reservation.voided', facts: { reason: 'volume.exists' } });
  });

  it('never writes a job whose room another try of the same request has given back', async () => {
    const clock = new VirtualClock();
    const other = await partsOn(store, clock);
    const job = { projectId, environmentId, name: 'migrate', timeoutMs: 60_000, retries: 0, spec, inheritsFrom: null } as const;
    const volumes = [{ type: 'volume', volumeId: 'vol_gone', name: 'data', mountPath: '/data', readOnly: false }] as const;
    // This try stands still before it writes the job; another one, at another gateway, finds nothing where it is to mount something.
    const { standing, goOn } = standingBefore('JobCreated');
    const first = createJob(other, job, saying('j1'));
    await standing;
    await expect(createJob(parts, { ...job, spec: { ...spec, volumes } }, saying('j1'))).rejects.toMatchObject({ code: 'volume.not_found' });
    const { state } = await parts.aggregates.load(project, streamOf('project', projectId));
    expect([...state.quotas.holdings.keys()]).toEqual([]);
    goOn();
    void clock.advance(1_000);
    await expect(first).rejects.toMatchObject({ code: 'reservation.voided' });
    expect(store.log.filter(({ type }) => type === 'JobCreated')).toEqual([]);
  });

  it('is carried out once, however often and however many at once it is sent', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => createDockerService(parts, asked, saying('c1', 'hash'))));
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set([2n]));
    await expect(createDockerService(parts, { ...asked, name: 'other' }, saying('c1', 'another'))).rejects.toMatchObject({ code: 'idempotency.key_reused' });
    expect(await claims()).toEqual(['api']);
  });

  it('gives one project a name, and frees it with the project', async () => {
    await expect(createProject(parts, 'shop', saying('again'))).rejects.toMatchObject({ code: 'name.taken' });
    await createEnvironment(parts.dispatcher, projectId, 'production', saying('e1'));
    await createDockerService(parts, asked, saying('c1'));
    await expect(deleteProject(parts, projectId, saying('d1'))).rejects.toMatchObject({ code: 'project.in_use' });
    const other = projectIdOf('other');
    await createProject(parts, 'empty', saying('other'));
    await deleteProject(parts, other, saying('d2'));
    expect(await claims('platform')).toEqual(['shop']);
    expect(await types(streamOf('project', other))).toEqual(['ProjectCreated', 'EnvironmentCreated', 'EnvironmentDeleted', 'ProjectDeleted']);
  });

  it('keeps a project’s name where a log that was put back has the beginning of its deletion alone', async () => {
    await deleteProject(parts, projectId, saying('bye'));
    expect(await claims('platform')).toEqual([]);
    expect(store.log.slice(-3).map(({ type }) => type)).toEqual(['EnvironmentDeleted', 'ProjectDeleted', 'NameReleased']);
    parts = await partsOn(store.copy(store.log.length - 2));
    await deleteProject(parts, projectId, saying('bye'));
    expect(await claims('platform')).toEqual(['shop']);
    await deleteProject(parts, projectId, saying('bye again'));
    expect(await claims('platform')).toEqual([]);
  });

  it('answers the retry of a network by what stands, though its environment is deleted meanwhile', async () => {
    const staging = environmentOf('staging', 'staging');
    const there = { projectId, environmentId: staging.environmentId };
    await createEnvironment(parts.dispatcher, projectId, 'staging', saying('staging'));
    const asked = [
      (commandId: string) => createNetwork(parts, { ...there, name: 'backend' }, saying(commandId)),
      (commandId: string) => createVolume(parts, { ...there, name: 'data', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null }, saying(commandId)),
    ] as const;
    await asked[0]('net');
    await deleteEnvironment(parts.dispatcher, there, saying('no staging'));
    expect((await asked[0]('net')).repeated).toBe(true);
    for (const ask of asked) await expect(ask('another')).rejects.toMatchObject({ code: 'environment.not_found' });
  });

  it('answers the retry of a schedule by what stands, though its service is deleted meanwhile', async () => {
    await createDockerService(parts, asked, saying('serve'));
    const runs = { type: 'docker_service', dockerServiceId: dockerServiceIdOf('serve'), overrides: {} } as const;
    const nightly = { projectId, environmentId, cron: '0 3 * * *', timeZone: 'UTC', concurrency: 'forbid', job: { name: 'nightly', timeoutMs: 60_000, retries: 0, runs } } as const;
    const first = await createSchedule(parts, nightly, saying('plan'));
    await parts.dispatcher.send(new ToDockerService(runs.dockerServiceId, { type: 'RequestDockerServiceDeletion', data: {} }, saying('delete')));
    expect(await createSchedule(parts, nightly, saying('plan'))).toMatchObject({ repeated: true, revision: first.revision });
    await expect(createSchedule(parts, nightly, saying('plan another'))).rejects.toMatchObject({ code: 'docker_service.deleted' });
  });
});
