import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { rawPublicKeyOf, rawSeedOf } from './nkey.ts';

/** The prime of both curves, 2^255 - 19. RFC 7748 §4.1. */
const P = 2n ** 255n - 19n;

/** DER around an X25519 private and public key (RFC 8410): what follows are its 32 bytes. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

/** The X25519 key that goes with an Ed25519 one: the same point on the curve's other form, u = (1 + y) / (1 - y), RFC 7748 §4.1. So what an
 *  agent is known by is also what is sealed to it, and nobody can exchange the one without the other.
 *  @param publicKey a node's nkey, `U…`. @throws Error when it is none. */
export function sealingKeyOf(publicKey: string): KeyObject {
  const y = littleEndian(rawPublicKeyOf(publicKey)) & ((1n << 255n) - 1n);
  const u = mod((1n + y) * inverse(mod(1n - y)));
  return publicKeyFrom(bytesOf(u));
}

/** The private half: the scalar that Ed25519 makes of its seed (RFC 8032 §5.1.5). @param seed `SU…`. @throws Error when it is none. */
export function openingKeyOf(seed: string): KeyObject {
  const scalar = createHash('sha512').update(rawSeedOf(seed)).digest().subarray(0, 32);
  return createPrivateKey({ key: Buffer.concat([PKCS8, scalar]), format: 'der', type: 'pkcs8' });
}

/** An X25519 public key by its 32 bytes. */
export const publicKeyFrom = (raw: Buffer): KeyObject => createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });

/** The 32 bytes of an X25519 public key. */
export const rawOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' }).subarray(-32);

const mod = (a: bigint): bigint => ((a % P) + P) % P;

/** By Fermat: a^(p-2). Public values only: its time tells of them. */
function inverse(a: bigint): bigint {
  let result = 1n;
  let square = a;
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

const littleEndian = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
