import { upcast } from '#domain';
import type { EventStore } from '#event-store';
import { MemoryEventStore } from '#testing';
import { appendAll } from './given/reads.ts';
import { orderedService, registerNode, type Story } from './given/story.ts';
import { LogPages } from './log-pages.ts';

let store: MemoryEventStore;
let story: Story;
let reads: number;

beforeEach(async () => {
  store = new MemoryEventStore();
  story = orderedService();
  registerNode(story);
  await appendAll(store, story.events);
  reads = 0;
});

function pagesOf(limit: number, readAll: EventStore['readAll'] = store.readAll.bind(store)): LogPages {
  const counted: EventStore['readAll'] = (...asked) => {
    reads += 1;
    return readAll(...asked);
  };
  return new LogPages({ readAll: counted } as EventStore, upcast, limit);
}

describe('pages of the log', () => {
  it('are read once for all that go side by side, and each is given its own streams', async () => {
    const pages = pagesOf(4);
    const asked = [undefined, ['docker_service-'], ['node-'], ['deployment-', 'replica-']].map((prefixes) => pages.read(null, prefixes));
    const [whole, service, node, others] = await Promise.all(asked);
    expect(reads).toBe(1);
    expect(whole!.events.map(({ type }) => type)).toEqual(['DockerServiceCreated', 'ReleaseCut', 'DeploymentStarted', 'DeploymentOpened']);
    expect([service, node, others].map((page) => page!.events.length)).toEqual([3, 0, 1]);
    for (const page of [service, node, others]) expect(page!.next).toBe(whole!.next);
  });

  it('are looked for anew at the end of the log, which grows', async () => {
    const pages = pagesOf(1_000);
    expect(await pages.readWhole(null, undefined)).toBeNull();
    registerNode(story, 'node_b', 'host-b');
    await appendAll(store, story.events.slice(-1));
    expect((await pages.read(null, ['node-'])).events).toHaveLength(2);
  });

  it('are read again where reading failed', async () => {
    let fails = true;
    const pages = pagesOf(4, (after, options) => (fails ? Promise.reject(new Error('no disk')) : store.readAll(after, options)));
    await expect(pages.read(null, undefined)).rejects.toThrow('no disk');
    fails = false;
    expect((await pages.read(null, undefined)).events).toHaveLength(4);
  });
});
