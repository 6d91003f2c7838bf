import type { Recorded } from '#event-store';
import { createReplica, deploymentRef, observe, orderedService, place, SYSTEM, timeOf } from '../given/story.ts';
import { causesOf } from './causes.ts';

describe('what brought a deployment on', () => {
  it('is what came of its own replicas, whichever else was heard of at that moment', () => {
    const story = orderedService();
    const reason = { code: 'deployment', message: 'it moves' };
    const wokenBy = (event: Recorded) => ({ ...SYSTEM, causationId: event.id });
    const began = (stage: 'prepare' | 'replace' | 'monitor') =>
      story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deploymentRef, stage, jobId: null, at: timeOf(1), deadlineAt: null, reason }, SYSTEM);
    const ended = (stage: 'prepare' | 'replace' | 'monitor', by: Recorded) =>
      story.tell('deployment-dep_1', 'DeploymentStageEnded', { ...deploymentRef, stage, result: 'SUCCEEDED', at: timeOf(2), reason }, wokenBy(by));
    story.tell('docker_service-svc_web', 'ServiceStepTaken', { creates: [{ replicaId: 'rep_3', slot: 3, generation: 1, release: 0 }], stops: [], forgets: [], reason: { code: 'scaled', message: 'scaled to 3' } }, SYSTEM);
    createReplica(story, 3, 0);
    for (const slot of [1, 3]) place(story, slot);

    began('prepare');
    const started = observe(story, 1, 'STARTING');
    const pinned = story.tell('docker_service-svc_web', 'ReleaseImagePinned', { release: 1, reference: 'docker.io/library/web:1', digest: null, imageId: 'sha256:web' }, wokenBy(observe(story, 3, 'RUNNING')));
    const prepared = ended('prepare', pinned);
    began('replace');
    const settled = observe(story, 1, 'SETTLED');
    const other = observe(story, 3, 'SETTLED');
    const progressed = story.tell('deployment-dep_1', 'DeploymentProgressed', { ...deploymentRef, running: 1, settled: 1, wanted: 1, deadlineAt: timeOf(60) }, wokenBy(other));
    const replaced = ended('replace', other);
    const monitoring = began('monitor');
    const watched = ended('monitor', observe(story, 3, 'SETTLED', { health: 'healthy' }));

    const causes = causesOf(story.events);
    expect([pinned, prepared, progressed, replaced, watched].map(({ id }) => causes.get(id))).toEqual([started, started, settled, settled, monitoring].map(({ id }) => id));
  });

  it('isn’t told where it isn’t among the events that are looked at', () => {
    const story = orderedService();
    const pinned = story.tell('docker_service-svc_web', 'ReleaseImagePinned', { release: 1, reference: 'docker.io/library/web:1', digest: null, imageId: 'sha256:web' }, { ...SYSTEM, causationId: observe(story, 1, 'STARTING', { imageId: null }).id });
    expect(causesOf(story.events).has(pinned.id)).toBe(false);
  });
});
