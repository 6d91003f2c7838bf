import { createPrivateKey, createPublicKey } from 'node:crypto';

/** First bytes of NATS user keys, https://github.com/nats-io/nkeys: the type in the upper five bits, so that the text begins
 *  with `S`, then `U`, or with `U`. */
const SEED = 18 << 3;
const USER = 20 << 3;

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** DER around an Ed25519 private key (RFC 8410): what follows are its 32 bytes. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `SU…`: the private half of a NATS user's key pair. @param raw 32 random bytes. */
export function userSeedOf(raw: Uint8Array): string {
  return encode(Buffer.concat([Buffer.from([SEED | (USER >> 5), (USER & 31) << 3]), raw]));
}

/** `U…`: the public half. @throws Error when the text is no user's seed. */
export function publicKeyOf(seed: string): string {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, rawSeedOf(seed)]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return encode(Buffer.concat([Buffer.from([USER]), raw]));
}

/** The 32 bytes of an Ed25519 seed. @throws Error when the text is no user's seed. */
export function rawSeedOf(seed: string): Buffer {
  const bytes = decode(seed);
  if (bytes.length !== 34 || bytes[0] !== (SEED | (USER >> 5)) || bytes[1] !== (USER & 31) << 3) throw new Error("it isn't a NATS user's seed");
  return bytes.subarray(2);
}

/** The 32 bytes of an Ed25519 public key. @throws Error when the text is no user's public key. */
export function rawPublicKeyOf(publicKey: string): Buffer {
  const bytes = decode(publicKey);
  if (bytes.length !== 33 || bytes[0] !== USER) throw new Error("it isn't a NATS user's public key");
  return bytes.subarray(1);
}

/** Base32 without padding, over the bytes and their CRC-16 (XMODEM), little endian. */
function encode(bytes: Buffer): string {
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc16(bytes));
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of [...bytes, ...sum]) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

function decode(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = BASE32.indexOf(letter);
    if (value < 0) throw new Error('it is not base32');
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff);
  }
  const all = Buffer.from(bytes);
  if (all.length < 3 || all.readUInt16LE(all.length - 2) !== crc16(all.subarray(0, -2))) throw new Error('its checksum is wrong');
  return all.subarray(0, -2);
}

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}
