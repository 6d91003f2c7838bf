import crypto, { randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sensitive } from '#domain';

/** Argon2id with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet, the second of its equals. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;

const argon2 = promisify(crypto.argon2);

/** Of `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. */
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Hashes a password (RFC 9106), salted, in the PHC string format. Some 30 ms of a thread. */
export async function hashPassword(password: Sensitive<string>): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const hash = await derived(password, { ...COST, nonce });
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(nonce)}$${unpadded(hash)}`;
}

/** Whether it is the password of this hash. Without a hash it takes as long and is never so: nobody learns from the time whether there is such an account.
 *  @throws Error for a hash of another form. */
export async function isPassword(password: Sensitive<string>, hash: string | null): Promise<boolean> {
  if (hash === null) return (await derived(password, { ...COST, nonce: randomBytes(SALT_BYTES) })).length === 0;
  const match = PHC.exec(hash);
  if (!match) throw new Error('what is kept of a password has another form than argon2id in the PHC string format');
  const [, memory, passes, parallelism, salt, kept] = match as unknown as [string, string, string, string, string, string];
  const expected = Buffer.from(kept, 'base64');
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), tagLength: expected.length };
  return timingSafeEqual(await derived(password, { ...cost, nonce: Buffer.from(salt, 'base64') }), expected);
}

/** Two ways to write the same letters are one password (RFC 8265 §4.2). */
const derived = (password: Sensitive<string>, parameters: Omit<Argon2Parameters, 'message'>): Promise<Buffer> =>
  argon2('argon2id', { ...parameters, message: Buffer.from(password.reveal().normalize('NFC')) }) as Promise<Buffer>;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
