import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, UnsecuredJWT } from 'jose';
import { Sensitive } from '#domain';
import { hashPassword, isPassword } from './passwords.ts';
import { openSessions, SESSION_MS, Sessions } from './sessions.ts';
import { hashOfToken, newToken } from './tokens.ts';

const NOW = Date.UTC(2026, 0, 1);
const secret = (text: string) => new Sensitive(text);

describe('a password', () => {
  it('is known again by its hash, which says how it was made and not what it is', async () => {
    const hash = await hashPassword(secret('correct horse'));
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await Promise.all([isPassword(secret('correct horse'), hash), isPassword(secret('correct horse '), hash), isPassword(secret(''), hash)])).toEqual([true, false, false]);
    expect(await hashPassword(secret('correct horse'))).not.toBe(hash);
  });

  it('is the same however its letters are put together', async () => {
    expect(await isPassword(secret('caf\u0065\u0301 in the sun'), await hashPassword(secret('caf\u00e9 in the sun')))).toBe(true);
  });

  it('is never that of nobody, nor judged by what is no hash', async () => {
    expect(await isPassword(secret(''), null)).toBe(false);
    await expect(isPassword(secret('x'), 'plain')).rejects.toThrow('argon2id');
  });
});

it('a token is 256 random bits, shows itself to nobody, and is found by its hash', () => {
  const [one, other] = [newToken(), newToken()];
  expect(one.reveal()).toMatch(/^wbt_[\w-]{43}$/);
  expect(JSON.stringify({ one })).toBe('{"one":"[redacted]"}');
  expect(hashOfToken(one.reveal())).toMatch(/^[0-9a-f]{64}$/);
  expect(hashOfToken(one.reveal())).not.toBe(hashOfToken(other.reveal()));
});

describe('a session', () => {
  const key = new Uint8Array(32).fill(7);
  const sessions = new Sessions(new Sensitive(key));
  const session = { userId: 'usr_ann', password: 2 } as const;

  it('is read until it ends', async () => {
    const { token, expiresAt } = await sessions.open(session, NOW);
    expect(expiresAt).toBe(NOW + SESSION_MS);
    expect(await sessions.read(token.reveal(), NOW + SESSION_MS - 1_000)).toEqual(session);
    expect(await sessions.read(token.reveal(), NOW + SESSION_MS)).toBeNull();
  });

  it('is none that was changed, signed by another key, for another purpose, or not signed at all', async () => {
    const { token } = await sessions.open(session, NOW);
    const [header, payload, signature] = token.reveal().split('.');
    const forged = Buffer.from(payload!, 'base64url').toString().replace('usr_ann', 'usr_bob');
    const claims = { password: 2 };
    const signed = (by: Uint8Array, audience: string) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuer('waybill').setAudience(audience).setSubject('usr_ann').setExpirationTime(NOW / 1000 + 60).sign(by);
    const unsigned = new UnsecuredJWT(claims).setIssuer('waybill').setAudience('waybill-api').setSubject('usr_ann').setExpirationTime(NOW / 1000 + 60).encode();
    const others = [
      `${header}.${Buffer.from(forged).toString('base64url')}.${signature}`,
      await signed(new Uint8Array(32).fill(8), 'waybill-api'),
      await signed(key, 'another-api'),
      unsigned,
      'x.y.z',
      '',
    ];
    expect(await Promise.all(others.map((each) => sessions.read(each, NOW)))).toEqual(others.map(() => null));
    expect(await sessions.read(await signed(key, 'waybill-api'), NOW)).toEqual(session);
  });

  it('is opened under one key by all gateways, that only its owner reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-sessions-'));
    const file = join(folder, 'session.key');
    try {
      const [one, two] = await Promise.all([openSessions(file), openSessions(file)]);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await two.read((await one.open(session, NOW)).token.reveal(), NOW)).toEqual(session);
      const kept = await readFile(file, 'utf8');
      await chmod(file, 0o644);
      await expect(openSessions(file)).rejects.toThrow('chmod 600');
      await chmod(file, 0o600);
      await writeFile(file, kept.slice(1));
      await expect(openSessions(file)).rejects.toThrow('no key');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
