import { DEFAULT_DEPLOY_SETTINGS } from '#domain';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { memberOf, OPERATOR, readsOf } from '../given/reads.ts';
import type { Reads } from '../reads.ts';
import { orderedService, SPEC, SYSTEM, timeOf, type Story } from '../given/story.ts';
import { listReleases } from './releases.ts';

const own = 'docker_service-svc_web';

/** `web` on release 1, moving to `last`. */
function released(last: number): Story {
  const story = orderedService();
  const ended = { deploymentId: 'dep_1', outcome: 'SUCCEEDED', reason: { code: 'settled', message: 'all' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } as const;
  story.tell(own, 'DeploymentEnded', ended, SYSTEM);
  for (let release = 2; release <= last; release += 1) story.tell(own, 'ReleaseCut', { release, spec: { ...SPEC, image: `docker.io/library/web:${release}` }, ...(release === last ? { copiedFrom: 1 } : {}) });
  story.tell(own, 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: last, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null });
  return story;
}

const opened: Reads[] = [];
const reading = async (story: Story): Promise<Reads> => {
  const reads = await readsOf(story.events, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() });
  opened.push(reads);
  return reads;
};
afterEach(async () => {
  for (const { models } of opened.splice(0)) await models.close();
});

describe('the releases view', () => {
  it('lists the newest first, with what stands and what may be gone back to', async () => {
    const reads = await reading(released(13));
    const { items } = await listReleases(reads, OPERATOR, 'svc_web');
    expect(items.map(({ release }) => release)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(items.filter(({ kept }) => !kept).map(({ release }) => release)).toEqual([3, 2]);
    expect(items.filter(({ current }) => current)).toMatchObject([{ release: 13, image: 'docker.io/library/web:13', copied_from: 1 }]);
    expect(items.filter(({ stable }) => stable)).toMatchObject([{ release: 1, copied_from: null, image_digest: null, created_at: timeOf(2), created_by: { id: 'tok_operator' } }]);
  });

  it('shows what the image of a release was found to be', async () => {
    const story = released(2);
    story.tell(own, 'ReleaseImagePinned', { release: 2, reference: 'docker.io/library/web@sha256:2', digest: 'sha256:2', imageId: 'sha256:i' }, SYSTEM);
    expect((await listReleases(await reading(story), OPERATOR, 'svc_web')).items[0]).toMatchObject({ image_reference: 'docker.io/library/web@sha256:2', image_digest: 'sha256:2', image_id: 'sha256:i' });
  });

  it('is empty for who does not reach the service', async () =>
    expect((await listReleases(await reading(released(2)), memberOf('prj_other'), 'svc_web')).items).toEqual([]));
});
