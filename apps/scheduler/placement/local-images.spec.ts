import { aContainerSpec } from '#testing';
import { LocalImages, type ImageEvent } from './local-images.ts';

const ID = `sha256:${'a'.repeat(64)}`;
const NAME = 'docker.io/shop/api:1';
const cut = (release: number, pullPolicy: 'missing' | 'never' = 'missing'): ImageEvent => ({ type: 'ReleaseCut', data: { release, spec: aContainerSpec({ image: NAME, pullPolicy }) } });
const pinned = (release: number, reference: string, digest: string | null = null): ImageEvent => ({ type: 'ReleaseImagePinned', data: { release, reference, digest, imageId: ID } });
const created = (change: { image?: string; pullPolicy?: 'never'; inherits?: boolean } = {}): ImageEvent => ({
  type: 'JobCreated',
  data: {
    jobId: 'job_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'migrate', timeoutMs: 1_000, retries: 0, trigger: { type: 'manual' }, rerunOf: null,
    spec: aContainerSpec({ image: change.image ?? NAME, pullPolicy: change.pullPolicy ?? 'missing' }),
    inheritsFrom: change.inherits ? { dockerServiceId: 'svc_1', release: 1 } : null,
  },
});
const local = (...events: ImageEvent[]): LocalImages => {
  const images = new LocalImages();
  for (const event of events) images.take(event.type === 'JobCreated' ? 'job_1' : 'svc_1', event);
  return images;
};

describe('an image that a node has to have', () => {
  it('is one that no registry gave, by its id', () => {
    expect(local(cut(1)).of('svc_1', 1)).toBeNull();
    expect(local(cut(1), pinned(1, ID)).of('svc_1', 1)).toBe(ID);
    expect(local(cut(1), pinned(1, `docker.io/shop/api@${ID}`, ID)).of('svc_1', 1)).toBeNull();
    expect(local(cut(1), pinned(1, ID), cut(2)).of('svc_1', 2)).toBeNull();
  });

  it('or one that is never pulled, by its name until it is pinned', () => {
    expect(local(cut(1, 'never')).of('svc_1', 1)).toBe(NAME);
    expect(local(cut(1, 'never'), pinned(1, ID)).of('svc_1', 1)).toBe(ID);
    expect(local(created({ pullPolicy: 'never' })).of('job_1', null)).toBe(NAME);
  });

  it('is a job’s too where it takes that of such a release, and not where it has another', () => {
    expect(local(cut(1), pinned(1, ID), created({ inherits: true })).of('job_1', null)).toBe(NAME);
    expect(local(cut(1), pinned(1, ID), created({ inherits: true, image: 'docker.io/shop/tool:1' })).of('job_1', null)).toBeNull();
    expect(local(cut(1), created({ inherits: true })).of('job_1', null)).toBeNull();
    expect(local(cut(1), pinned(1, ID), created()).of('job_1', null)).toBeNull();
  });

  it('is forgotten with its owner', () => {
    const images = local(cut(1, 'never'), created({ pullPolicy: 'never' }));
    for (const id of ['svc_1', 'job_1']) images.forget(id);
    expect([images.of('svc_1', 1), images.of('job_1', null)]).toEqual([null, null]);
  });
});
