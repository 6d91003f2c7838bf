import fc from 'fast-check';
import { canonicalImage, formatImageReference, parseImageReference } from './reference.ts';

const SHA256 = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('an image reference', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['myorg/api:v1.0.0', 'docker.io/myorg/api:v1.0.0'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['ghcr.io/a/b/c:x', 'ghcr.io/a/b/c:x'],
    ['GHCR.io/a/b', 'ghcr.io/a/b:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app:dev', 'localhost:5000/app:dev'],
    ['[::1]:5000/app', '[::1]:5000/app:latest'],
    ['a__b/c-d--e.f_g', 'docker.io/a__b/c-d--e.f_g:latest'],
    [`nginx@${SHA256}`, `docker.io/library/nginx@${SHA256}`],
    [`nginx:1.27@${SHA256}`, `docker.io/library/nginx:1.27@${SHA256}`],
    [`nginx@sha512:${'ab'.repeat(64)}`, `docker.io/library/nginx@sha512:${'ab'.repeat(64)}`],
  ])('%s is %s', (text, canonical) => expect(canonicalImage(text)).toBe(canonical));

  it('comes apart', () =>
    expect(parseImageReference(`registry.example.com:5000/team/api:v1@${SHA256}`)).toEqual({
      registry: 'registry.example.com:5000',
      repository: 'team/api',
      tag: 'v1',
      digest: SHA256,
    }));

  it.each([
    ['', 'a repository must be'],
    [' nginx', 'a repository must be'],
    ['nginx\n', 'a repository must be'],
    ['Nginx', 'a repository must be'],
    ['MyOrg/api', 'a repository must be'],
    ['my org/api', 'a repository must be'],
    ['a//b', 'a repository must be'],
    ['a/', 'a repository must be'],
    ['/a', 'a repository must be'],
    ['a/../b', 'a repository must be'],
    ['-a', 'a repository must be'],
    ['a___b', 'a repository must be'],
    ['a;rm -rf', 'a repository must be'],
    ['$(id)', 'a repository must be'],
    ['https://ghcr.io/a', 'a registry must be'],
    ['nginx:', 'a tag must be'],
    ['nginx:.x', 'a tag must be'],
    ['nginx:a b', 'a tag must be'],
    [`nginx:${'x'.repeat(129)}`, 'a tag must be'],
    ['nginx@', 'a digest must be'],
    ['nginx@sha256:abc', 'a digest must be'],
    [`nginx@${SHA256.toUpperCase()}`, 'a digest must be'],
    [`nginx@${SHA256}@${SHA256}`, 'a digest must be'],
    ['-bad.io/a', 'a registry must be'],
    ['ghcr.io:0/a', 'a registry must be'],
    ['ghcr.io:65536/a', 'a registry must be'],
    ['ghcr..io/a', 'a registry must be'],
    ['a'.repeat(256), 'registry and repository must be at most 255'],
    ['0123456789abcdef'.repeat(4), 'an image id is no reference'],
  ])('is not %j', (text, wayOut) =>
    expect(() => parseImageReference(text)).toThrow(
      expect.objectContaining({ kind: 'invalid', code: 'image.invalid_reference', detail: expect.stringContaining(wayOut), facts: { image: text.slice(0, 255) } }),
    ),
  );
});

describe('laws of the reference parser', () => {
  const lower = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  const word = fc.string({ unit: fc.constantFrom(...lower), minLength: 1, maxLength: 8 });
  const registry = fc.oneof(fc.constant('localhost'), fc.tuple(word, word).map((parts) => parts.join('.')), fc.tuple(word, fc.integer({ min: 1, max: 65_535 })).map((parts) => parts.join(':')));
  const part = fc.array(word, { minLength: 1, maxLength: 3 }).chain((words) => fc.constantFrom('.', '_', '__', '-').map((separator) => words.join(separator)));
  const repository = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
  const reference = fc.record({ registry, repository, tag: fc.option(tag), digest: fc.option(fc.constant(SHA256)) }).filter(({ tag, digest }) => tag !== null || digest !== null);

  it('reads every reference that it wrote as the same one', () =>
    fc.assert(fc.property(reference, (one) => expect(parseImageReference(formatImageReference(one))).toEqual(one))));

  it('either refuses a text by its code, or gives it a canonical form that stays the same', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'aZ0.:/@_-[ \n') }), reference.map(formatImageReference)), (text) => {
        let canonical: string;
        try {
          canonical = canonicalImage(text);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'invalid', code: 'image.invalid_reference' });
          return;
        }
        expect(canonicalImage(canonical)).toBe(canonical);
        expect(canonical).toMatch(/^[A-Za-z0-9_.:/@[\]-]+$/);
      }),
    ));
});
