import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jwtVerify, SignJWT } from 'jose';
import { Sensitive, type UserId } from '#domain';

/** Whose session it is, and which of their passwords opened it. */
export interface Session {
  readonly userId: UserId;
  readonly password: number;
}

/** How long a session lasts, milliseconds. */
export const SESSION_MS = 3_600_000;

const ISSUER = 'waybill';
const AUDIENCE = 'waybill-api';

/** Opens and reads sessions: JSON Web Tokens (RFC 7519) by HMAC-SHA256 under one key, which all gateways share. */
export class Sessions {
  constructor(private readonly key: Sensitive<Uint8Array>) {}

  /** @param now milliseconds since the epoch. */
  async open({ userId, password }: Session, now: number): Promise<{ readonly token: Sensitive<string>; readonly expiresAt: number }> {
    const expiresAt = now + SESSION_MS;
    const signed = new SignJWT({ password }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuer(ISSUER).setAudience(AUDIENCE).setSubject(userId);
    const token = await signed.setIssuedAt(Math.floor(now / 1000)).setExpirationTime(Math.floor(expiresAt / 1000)).sign(this.key.reveal());
    return { token: new Sensitive(token), expiresAt };
  }

  /** The session of a token; null where it has expired, was changed, or is none of ours. */
  async read(token: string, now: number): Promise<Session | null> {
    try {
      const options = { algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(now), requiredClaims: ['sub', 'exp', 'password'] };
      const { sub, password } = (await jwtVerify(token, this.key.reveal(), options)).payload;
      return sub?.startsWith('usr_') && Number.isSafeInteger(password) ? { userId: sub as UserId, password: password as number } : null;
    } catch {
      return null;
    }
  }
}

const KEY = /^[A-Za-z0-9_-]{43}$/;

/** The key in a file (0600), made at the first start; of two that start at once both take that of the one that came first. Another key ends all sessions.
 *  @throws Error when it is there and others may read it, or it holds no key. */
export async function openSessions(file: string): Promise<Sessions> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await makeOnce(file);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new Error(`${file} has mode ${(mode & 0o777).toString(8)}: others must not read it; chmod 600 it`);
  const text = (await readFile(file, 'utf8')).trim();
  if (!KEY.test(text)) throw new Error(`${file} holds no key (32 bytes in base64url): remove it, and the next start makes one; people sign in again then`);
  return new Sessions(new Sensitive(Buffer.from(text, 'base64url')));
}

/** Whoever comes second leaves the first one's key standing, and never sees half of it. */
async function makeOnce(file: string): Promise<void> {
  if (await stat(file).catch(() => null)) return;
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  {
    await using handle = await open(fresh, 'wx', 0o600);
    await handle.writeFile(`${randomBytes(32).toString('base64url')}\n`);
    await handle.sync();
  }
  try {
    await link(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}
