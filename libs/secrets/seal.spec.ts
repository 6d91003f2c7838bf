import { createPublicKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Sensitive } from '#domain';
import { openingKeyOf, rawOf, sealingKeyOf } from './curve.ts';
import { publicKeyOf, userSeedOf } from './nkey.ts';
import { open, seal } from './seal.ts';

const anySeed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => userSeedOf(raw));
const sealed = (text: string, seed: string, question = 'node|rep|sec|1|nonce') => seal(new Sensitive(Buffer.from(text)), publicKeyOf(seed), question);

describe('the key that values are sealed to', () => {
  it('is the agent’s own: both halves follow from its nkey, each from its half', () => {
    fc.assert(fc.property(anySeed, (seed) => expect(rawOf(sealingKeyOf(publicKeyOf(seed)))).toEqual(rawOf(createPublicKey(openingKeyOf(seed))))), { numRuns: 50 });
  });

  it('is the one of the standard: the base point of the one curve is that of the other', () => {
    // RFC 8032 §7.1, test 1: the public key of a known seed, and the X25519 key of its scalar.
    const seed = userSeedOf(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'));
    expect(rawOf(sealingKeyOf(publicKeyOf(seed))).toString('hex')).toBe('d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e');
  });

  it('is none where the text is no nkey of a user', () => {
    expect(() => sealingKeyOf('U')).toThrow();
    expect(() => sealingKeyOf(userSeedOf(randomBytes(32)))).toThrow("isn't a NATS user's public key");
  });
});

describe('a sealed value', () => {
  it('opens with the key of the one that it was sealed to', () => {
    fc.assert(fc.property(anySeed, fc.string(), (seed, text) => expect(open(sealed(text, seed), seed, 'node|rep|sec|1|nonce').reveal().toString()).toBe(Buffer.from(text).toString())), { numRuns: 50 });
  });

  it('opens for nobody else, for no other question, and not when a byte was changed or cut', () => {
    const [seed, other] = [userSeedOf(randomBytes(32)), userSeedOf(randomBytes(32))];
    const text = sealed('hunter2', seed);
    const refused = expect.objectContaining({ code: 'value.not_sealed_to_me' });
    expect(() => open(text, other, 'node|rep|sec|1|nonce')).toThrow(refused);
    expect(() => open(text, seed, 'node|rep|sec|2|nonce')).toThrow(refused);
    expect(() => open(text, seed, 'node|rep|sec|1|another')).toThrow(refused);
    const bytes = Buffer.from(text, 'base64');
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 4;
      expect(() => open(changed.toString('base64'), seed, 'node|rep|sec|1|nonce')).toThrow(refused);
      expect(() => open(bytes.subarray(0, at).toString('base64'), seed, 'node|rep|sec|1|nonce')).toThrow(refused);
    }
  });

  it('says nothing of itself: two of the same are no more alike than two others', () => {
    const seed = userSeedOf(randomBytes(32));
    const [one, two] = [sealed('hunter2', seed), sealed('hunter2', seed)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one, 'base64').toString('latin1')).not.toContain('hunter2');
  });
});
