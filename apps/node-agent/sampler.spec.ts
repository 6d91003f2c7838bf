import type { Assignment } from '#contracts';
import type { ContainerRuntime, ContainerUsage } from '#docker';
import { aContainerSpec, MemoryLogger, VirtualClock } from '#testing';
import type { AppliedSet } from './applied-set.ts';
import { MemoryDisk } from './memory-disk.ts';
import { firstMemory, Memories } from './replica-memory.ts';
import { Sampler } from './sampler.ts';

const entry = (replicaId: `rep_${string}`, over: Partial<Assignment> = {}): Assignment => ({
  replicaId, owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1, wanted: 'run', replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.3.0/24', aliases: ['api'] }], spec: aContainerSpec(), minHealthyMs: 0, healthyDeadlineMs: null, timeoutMs: null, graceMs: 0, last: null, ...over,
});

async function setUp(...entries: Assignment[]) {
  const clock = new VirtualClock();
  const memories = new Memories(new MemoryDisk(clock), clock);
  const started = new Date(clock.now()).toISOString();
  for (const each of entries) await memories.save({ ...firstMemory(each), phase: 'running', containerId: `c-${each.replicaId}`, startedAt: started });
  const cpu = new Map<string, number>();
  const usage = async (ids: readonly string[]): Promise<ContainerUsage[]> =>
    ids.filter((id) => cpu.has(id)).map((id) => ({ id, at: new Date(clock.now()).toISOString(), cpuNanos: cpu.get(id)! * 1e9, memoryBytes: 3, workingSetBytes: 2, receivedBytes: 0, sentBytes: 0 }));
  const runtime = { usage } as unknown as ContainerRuntime;
  const sampler = new Sampler({ runtime, applied: { entries } as unknown as AppliedSet, memories, clock, logger: new MemoryLogger() });
  const rates = () => Object.fromEntries(sampler.page('node_1', { ownerId: null, after: null }).samples.map(({ replicaId, cpuMillis }) => [replicaId, cpuMillis]));
  return { clock, cpu, sampler, rates, memories };
}

describe('samples', () => {
  it('tell the rate between two looks, and from its own start for a run that is young', async () => {
    const { clock, cpu, sampler, rates, memories } = await setUp(entry('rep_a'), entry('rep_b'));
    await clock.advance(60_000);
    cpu.set('c-rep_a', 10);
    await sampler.look();
    expect(rates()).toEqual({ rep_a: null });
    await clock.advance(10_000);
    cpu.set('c-rep_a', 15);
    await memories.save({ ...memories.get('rep_b')!, startedAt: new Date(clock.now() - 4_000).toISOString() });
    cpu.set('c-rep_b', 1);
    await sampler.look();
    expect(rates()).toEqual({ rep_a: 500, rep_b: 250 });
    // It was started anew meanwhile: less was taken than before.
    await clock.advance(10_000);
    cpu.set('c-rep_a', 2);
    await memories.save({ ...memories.get('rep_a')!, startedAt: new Date(clock.now() - 8_000).toISOString() });
    cpu.delete('c-rep_b');
    await sampler.look();
    expect(rates()).toEqual({ rep_a: 250 });
  });

  it('are given by owner, page after page', async () => {
    const many = Array.from({ length: 1_200 }, (_, i) => entry(`rep_${String(i).padStart(4, '0')}`, { owner: { type: 'job', id: i % 2 ? 'job_a' : 'job_b' } }));
    const { cpu, sampler } = await setUp(...many);
    for (const { replicaId } of many) cpu.set(`c-${replicaId}`, 1);
    await sampler.look();
    const first = sampler.page('node_1', { ownerId: null, after: null });
    expect([first.samples.length, first.next]).toEqual([1_000, 'rep_0999']);
    expect(sampler.page('node_1', { ownerId: null, after: first.next })).toMatchObject({ next: null, samples: { length: 200 } });
    expect(sampler.page('node_1', { ownerId: 'job_a', after: null }).samples).toHaveLength(600);
  });
});
