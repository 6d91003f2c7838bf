import { Dispatcher, ToVolume } from '#application';
import type { VolumeCommand } from '#domain';
import { randomCommandId, systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest } from '../under-test.ts';

const MIB = 1024 ** 2;

describe('volumes', () => {
  let gateway: GatewayUnderTest;
  let environment_id = '';
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
  }, 60_000);
  afterAll(() => gateway.close());

  const make = (body: object, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/volumes', { environment_id, ...body }, headers);
  const run = (...volumes: object[]) => gateway.call('POST', '/v1/jobs', { environment_id, image: 'waybill/demo:1', volumes });

  /** Plays the scheduler's part. */
  const decide = async (volumeId: string, command: VolumeCommand): Promise<void> => {
    const { project_id } = (await gateway.call('GET', `/v1/volumes/${volumeId}`)).body;
    const commandId = randomCommandId();
    const metadata = { commandId, tenantId: project_id, actor: { type: 'system', id: 'spec' }, originId: null, now: systemClock.now(), correlationId: commandId, causationId: null } as const;
    await gateway.app.get(Dispatcher).send(new ToVolume(volumeId, command, metadata));
  };

  it('are made once for a request, however often it is sent, also when no node has their backend any more', async () => {
    const headers = { 'idempotency-key': 'make-sized' };
    const made = await make({ name: 'sized', size_bytes: 32 * MIB }, headers);
    expect(made).toMatchObject({ status: 201, body: { backend: 'loop', size_bytes: 32 * MIB } });
    const nodeId = await gateway.register('plain');
    expect(await make({ name: 'sized', size_bytes: 32 * MIB }, headers)).toMatchObject({ status: 201, body: { volume_id: made.body.volume_id } });
    expect(await make({ name: 'other', size_bytes: 32 * MIB })).toMatchObject({ status: 422, body: { code: 'volume.size_not_enforced' } });
    await gateway.remove(nodeId);
  });

  it('that are being deleted are said to be, to whoever names one', async () => {
    const { volume_id } = (await make({ name: 'going' })).body;
    const reason = { code: 'spec', message: 'as the spec has it' };
    await decide(volume_id, { type: 'BindVolume', data: { nodeId: 'node_a', replicaId: 'rep_a', attempt: 1, reason } });
    expect(await gateway.call('DELETE', `/v1/volumes/${volume_id}`)).toMatchObject({ status: 202, body: { lifecycle: 'DELETING' } });
    expect(await run({ name: 'going', mount_path: '/data' })).toMatchObject({
      status: 409, body: { code: 'volume.deleted', detail: expect.stringContaining('its name is free once'), errors: [{ pointer: '/volumes/0/name' }] },
    });
  });

  it('that were deleted are the reason why a service isn’t rolled back to what mounts them, also where no release is named', async () => {
    const { body } = await gateway.call('POST', '/v1/docker-services', { environment_id, name: 'api', image: 'waybill/demo:1', volumes: [{ name: 'old', mount_path: '/data' }] });
    const [id, volume_id] = [body.docker_service_id, body.volumes[0].volume_id];
    await gateway.succeed(id);
    await gateway.call('PATCH', `/v1/docker-services/${id}`, { volumes: null });
    await gateway.succeed(id);
    await decide(volume_id, { type: 'EndVolumeUse', data: { user: { type: 'docker_service', id }, reason: { code: 'spec', message: 'as the spec has it' }, thenDelete: false } });
    expect(await gateway.call('DELETE', `/v1/volumes/${volume_id}`)).toMatchObject({ status: 202, body: { lifecycle: 'DELETED' } });
    for (const asked of [{ release: 1 }, {}]) expect(await gateway.call('POST', `/v1/docker-services/${id}/rollback`, asked)).toMatchObject({ status: 409, body: { code: 'volume.deleted' } });
  });

  it('of one name in a request are one, so that nothing else may be said of it the second time', async () => {
    expect(await run({ name: 'twice', mount_path: '/a', size_bytes: 32 * MIB }, { name: 'twice', mount_path: '/b', size_bytes: 64 * MIB })).toMatchObject({
      status: 422, body: { code: 'volume.differs', errors: [{ pointer: '/volumes/1/size_bytes' }] },
    });
    expect((await run({ name: 'twice', mount_path: '/a', size_bytes: 32 * MIB }, { name: 'twice', mount_path: '/b', read_only: true })).status).toBe(202);
  });
});
