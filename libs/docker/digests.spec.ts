import { digestIn } from './digests.ts';

const [one, other] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];

describe('the digest of an image is the one', () => {
  it.each([
    ['of its own repository, among several', 'registry.example:5000/shop/web:1', [`nginx@${other}`, `registry.example:5000/shop/web@${one}`]],
    ['of Docker Hub, which the engine leaves out', 'docker.io/library/web:1', [`web@${one}`]],
    ['that it is asked for by', `registry.example:5000/shop/web@${one}`, [`registry.example:5000/shop/web@${one}`]],
  ])('%s', (_title, reference, digests) => expect(digestIn(reference, digests)).toBe(one));
});

it('an image that no registry gave, or another one, has none', () => {
  expect(digestIn('docker.io/library/web:1', [])).toBeNull();
  expect(digestIn('docker.io/library/web:1', [`registry.example/web@${one}`])).toBeNull();
  expect(digestIn(one, [`web@${one}`])).toBeNull();
});
