import { createPublicKey, generateKeyPairSync, hash, sign, verify, type KeyObject } from 'node:crypto';
import type { AuditChainEvent, AuditHead } from '#domain';
import type { Position, Raw } from '../port.ts';
import { CHAIN_STREAMS } from './link.ts';

export type SignedHead = AuditChainEvent['data'];

/** A head as it was found, in the store or in an export of it. */
export interface FoundHead extends SignedHead {
  /** In the stream of its chain. */
  readonly revision: number;
  /** Where the head itself stands. */
  readonly headPosition: Position;
  /** When it was written, RFC 3339. */
  readonly at: string;
}

/** Signs heads. */
export interface HeadKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A new key: Ed25519 (RFC 8032), whose signature of the same head is always the same. */
export const makeHeadKey = (): HeadKey => headKey(generateKeyPairSync('ed25519').privateKey);

/** The same for a private key that is at hand. @throws Error for a key of another kind */
export function headKey(privateKey: KeyObject): HeadKey {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('the key that signs the audit chain must be an Ed25519 key');
  const publicKey = createPublicKey(privateKey);
  return { keyId: keyIdOf(publicKey), privateKey, publicKey };
}

/** Names a key: the beginning of SHA-256 over the public key (SPKI, DER). */
export const keyIdOf = (publicKey: KeyObject): string => hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);

export const signHead = ({ keyId, privateKey }: HeadKey, head: AuditHead): SignedHead => ({ ...head, keyId, signature: sign(null, signedBytes(head), privateKey).toString('base64') });

/** Whether the key of this public part has signed just this head. */
export const isSignedBy = (publicKey: KeyObject, head: SignedHead): boolean => verify(null, signedBytes(head), publicKey, Buffer.from(head.signature, 'base64'));

/** What is signed: the fields in this order, one a line. */
const signedBytes = ({ storeId, chain, events, position, hash: chained, sealedTo }: AuditHead): Buffer =>
  Buffer.from(['waybill audit head 1', storeId, chain, String(events), position, chained, sealedTo ?? ''].join('\n'));

/** A head as its event holds it; null where it can't be read as one. */
export function headIn({ stream, revision, position, type, data, metadata }: Raw): FoundHead | null {
  if (type !== 'AuditHeadSigned' || !stream.startsWith(CHAIN_STREAMS)) return null;
  try {
    const { at } = JSON.parse(Buffer.from(metadata).toString()) as { at: string };
    const head = { ...(JSON.parse(Buffer.from(data).toString()) as SignedHead), revision: Number(revision), headPosition: position, at };
    return isHead(head) && head.chain === stream.slice(CHAIN_STREAMS.length) ? head : null;
  } catch {
    return null;
  }
}

/** Whether a value that was read has all that a head has. */
export function isHead(value: unknown): value is FoundHead {
  const head = value as Record<string, unknown> | null;
  const texts = ['storeId', 'chain', 'position', 'hash', 'keyId', 'signature', 'headPosition', 'at'];
  return typeof head === 'object' && head !== null && texts.every((name) => typeof head[name] === 'string') && Number.isInteger(head['events']) && Number.isInteger(head['revision']);
}
