import { subjects, type ReplicaSample, type SamplesReply } from '#contracts';
import { NO_AMOUNTS, project, streamOf, type NodeId, type ProjectCommand, type ProjectEvent } from '#domain';
import { FACTS, MonitorWorld } from '../../test/simulation/monitor-world.ts';

const NODE: NodeId = 'node_1';
const LOOK_MS = 30_000;

describe('what is measured against a quota', () => {
  let world: MonitorWorld;
  let taken: number;
  let answers: boolean;

  beforeEach(async () => {
    world = new MonitorWorld();
    [taken, answers] = [0, true];
    world.startMonitor();
    await world.register(NODE, FACTS);
    await onProject({ type: 'CreateProject', data: { projectId: 'prj_1', name: 'shop', environment: { environmentId: 'env_1', name: 'default', networkId: 'net_1' } } });
    await onProject({ type: 'SettleRoom', data: { holder: 'svc_1', countsFor: 'svc_1', at: 1, isFound: true, amounts: { ...NO_AMOUNTS, cpuMillis: 1_000, memoryBytes: 1_000, replicas: 1 } } });
    world.agent.subscribe(subjects.samples(NODE), (): SamplesReply => {
      if (!answers) throw new Error('away');
      return { nodeId: NODE, samples: [sample(taken)], next: null };
    });
  });
  afterEach(() => world.end());

  const onProject = async (command: ProjectCommand): Promise<void> => {
    const now = world.clock.now();
    const id = `${command.type} ${now}`;
    await world.aggregates.handle(project, streamOf('project', 'prj_1'), command, { commandId: id, tenantId: 'prj_1', actor: { type: 'system', id: 'test' }, originId: null, now, correlationId: id, causationId: null });
  };
  const sample = (cpuMillis: number): ReplicaSample => ({
    replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_1' }, projectId: 'prj_1', environmentId: 'env_1', image: 'a', exported: true, at: '2026-01-01T00:00:00.000Z',
    cpuMillis, cpuSeconds: 1, memoryBytes: 10, workingSetBytes: 10, memoryLimitBytes: 1_000, cpuLimitMillis: 1_000, receivedBytes: 0, sentBytes: 0,
  });
  const said = (): string[] =>
    world.store.log.filter(({ type }) => type.startsWith('QuotaWarning')).map(({ type, data }) => `${type} ${(data as Extract<ProjectEvent, { type: 'QuotaWarningRaised' }>['data']).level ?? ''}`.trim());
  const looks = async (number: number): Promise<void> => world.beatFor(number * LOOK_MS, NODE);

  it('begins when two looks in a row have seen it, and ends the same way', async () => {
    taken = 960;
    await looks(1);
    expect(said()).toEqual([]);
    await looks(2);
    expect(said()).toEqual(['QuotaWarningRaised 95']);
    taken = 10;
    await looks(1);
    taken = 960;
    await looks(1);
    expect(said()).toEqual(['QuotaWarningRaised 95']);
    taken = 10;
    await looks(3);
    expect(said()).toEqual(['QuotaWarningRaised 95', 'QuotaWarningEnded']);
  });

  it('is not judged while a node that is heard does not answer', async () => {
    taken = 960;
    await looks(3);
    answers = false;
    await looks(4);
    expect(said()).toEqual(['QuotaWarningRaised 95']);
  });
});
