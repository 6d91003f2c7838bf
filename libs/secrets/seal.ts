import { createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto';
import { Terminal } from '#contracts';
import { Sensitive } from '#domain';
import { decrypt, encrypt } from './aes.ts';
import { openingKeyOf, publicKeyFrom, rawOf, sealingKeyOf } from './curve.ts';

const KEY_BYTES = 32;

/** Encrypts to an agent's own key: X25519 with a key made for this once, HKDF-SHA256 over both public keys, AES-256-GCM. It says nothing of who
 *  sealed it.
 *  @param publicKey the agent's nkey, `U…`. @param context what the agent asked for, its nonce among it: an answer to another question doesn't open.
 *  @returns base64 of the one-time public key and the ciphertext. @throws Error when the nkey is none. */
export function seal(value: Sensitive<Buffer>, publicKey: string, context: string): string {
  const theirs = sealingKeyOf(publicKey);
  const once = generateKeyPairSync('x25519');
  const key = sharedKey(once.privateKey, { once: once.publicKey, theirs, other: theirs });
  return Buffer.concat([rawOf(once.publicKey), encrypt(key, value.reveal(), context)]).toString('base64');
}

/** What was sealed to this agent. @param seed `SU…`. @throws Terminal `value.not_sealed_to_me` for what was sealed to another one, for another
 *  question, or was changed on the way. */
export function open(sealed: string, seed: string, context: string): Sensitive<Buffer> {
  const bytes = Buffer.from(sealed, 'base64');
  const mine = openingKeyOf(seed);
  const plain = bytes.length > KEY_BYTES ? unsealed(bytes, mine, context) : null;
  if (plain === null) throw new Terminal('value.not_sealed_to_me', 'system', 'the answer was sealed to another agent or for another question, or was changed on the way');
  return new Sensitive(plain);
}

function unsealed(bytes: Buffer, mine: KeyObject, context: string): Buffer | null {
  const once = publicKeyFrom(bytes.subarray(0, KEY_BYTES));
  const key = sharedKey(mine, { once, theirs: createPublicKey(mine), other: once });
  return decrypt(key, bytes.subarray(KEY_BYTES), context);
}

/** RFC 5869, salted with both public keys, so that it belongs to just this pair. */
function sharedKey(own: KeyObject, { once, theirs, other }: { readonly once: KeyObject; readonly theirs: KeyObject; readonly other: KeyObject }): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: other });
  return Buffer.from(hkdfSync('sha256', shared, Buffer.concat([rawOf(once), rawOf(theirs)]), 'waybill value 1', KEY_BYTES));
}
