import { MemoryEventStore } from '#testing';
import { Changes } from './changes.ts';
import { appendAll } from './given/reads.ts';
import { observe, orderedService, place, registerNode, Story } from './given/story.ts';
import { foldDocument } from './view.ts';
import { audit } from './views/audit.ts';

async function changesOf(story: Story): Promise<(index: number) => ReturnType<Changes['of']>> {
  const store = new MemoryEventStore();
  await appendAll(store, story.events);
  const changes = new Changes({ store });
  return (index) => changes.of(foldDocument(audit, story.events, story.events.at(index)!.position)!);
}

describe('what an event changed', () => {
  it('is told by the fold of the thing before and after it', async () => {
    const story = orderedService();
    story.tell('docker_service-svc_web', 'DockerServicePaused', {});
    story.tell('docker_service-svc_web', 'DockerServiceResumed', {});
    const changes = await changesOf(story);
    expect(await changes(-2)).toMatchObject({ before: { lifecycle: 'ACTIVE', paused: null }, after: { lifecycle: 'PAUSED', paused: { containers: 'held' } } });
    expect(await changes(-1)).toMatchObject({ before: { lifecycle: 'PAUSED' }, after: { lifecycle: 'ACTIVE', paused: null } });
    // Asked for an earlier one once more.
    expect(Object.keys((await changes(-2)).after!)).toEqual(['lifecycle', 'paused']);
  });

  it('goes down to the container', async () => {
    const story = new Story();
    registerNode(story);
    orderedService(story);
    place(story, 1);
    observe(story, 1, 'RUNNING', { containerId: 'c0ffee' });
    const changes = await changesOf(story);
    expect(await changes(-1)).toMatchObject({ before: { container_id: null, state: 'ASSIGNED' }, after: { container_id: 'c0ffee', state: 'RUNNING' } });
  });

  it('is nothing where no field that is shown is another', async () => {
    const story = orderedService();
    story.tell('project-prj_shop', 'NameClaimed', { scope: 'docker_service', environmentId: 'env_live', name: 'web', holder: 'svc_web', commandId: 'c' });
    expect(await (await changesOf(story))(-1)).toEqual({ before: null, after: null });
  });
});
