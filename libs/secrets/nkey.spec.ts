import { fromSeed } from '@nats-io/nkeys';
import fc from 'fast-check';
import { publicKeyOf, userSeedOf } from './nkey.ts';

it('makes the key pairs that NATS makes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (raw) => {
      const seed = userSeedOf(raw);
      expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
      expect(publicKeyOf(seed)).toBe(fromSeed(new TextEncoder().encode(seed)).getPublicKey());
    }),
    { numRuns: 25 },
  );
});

it('refuses what is no seed of a user', () => {
  const seed = userSeedOf(new Uint8Array(32));
  expect(() => publicKeyOf(`${seed.slice(0, -1)}${seed.endsWith('A') ? 'B' : 'A'}`)).toThrow('checksum');
  expect(() => publicKeyOf('SU!')).toThrow('base32');
  expect(() => publicKeyOf('')).toThrow('checksum');
  expect(() => publicKeyOf(publicKeyOf(seed))).toThrow('seed');
});
