import type { SQLInputValue } from 'node:sqlite';
import { Transient, type Clock } from '#contracts';
import type { OriginId, ProjectId, TokenId, UserId } from '#domain';
import { PrivateFile } from '#sqlite';
import type { IdentityStore, KeptOrigin, KeptToken, KeptUser } from './port.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    userId       TEXT PRIMARY KEY,
    login        TEXT NOT NULL UNIQUE,
    name         TEXT,
    passwordHash TEXT NOT NULL,
    createdAt    INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS tokens (
    hash      TEXT PRIMARY KEY,
    tokenId   TEXT NOT NULL,
    projectId TEXT NOT NULL,
    name      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS tokens_by_id ON tokens (tokenId);
  CREATE INDEX IF NOT EXISTS tokens_by_project ON tokens (projectId);
  CREATE TABLE IF NOT EXISTS origins (
    originId TEXT PRIMARY KEY,
    address  TEXT NOT NULL UNIQUE
  ) STRICT;
  PRAGMA user_version = 1;
`;

/** Identities in one SQLite file (0600), made where it is lacking; several processes may share it, on one machine. What was kept is on the disk, and what
 *  was forgotten is overwritten. @throws Transient `identity_store.unavailable` when it can't be opened or stays locked. */
export async function openSqliteIdentities({ file, clock }: { readonly file: string; readonly clock: Clock }): Promise<IdentityStore> {
  const unusable = (message: string) => new Transient('identity_store.unavailable', `the store of identities can't be used: ${message}`);
  return new SqliteIdentities(await PrivateFile.open({ file, schema: SCHEMA, clock, unusable }));
}

class SqliteIdentities implements IdentityStore {
  constructor(private readonly file: PrivateFile) {}

  async insertUser({ userId, login, name, passwordHash, createdAt }: KeptUser): Promise<KeptUser> {
    await this.#run('INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?, ?)', userId, login, name, passwordHash, createdAt);
    return (await this.findUser(userId)) ?? (await this.findLogin(login))!;
  }

  findUser(userId: UserId): Promise<KeptUser | null> {
    return this.#one<KeptUser>('SELECT * FROM users WHERE userId = ?', userId);
  }

  findLogin(login: string): Promise<KeptUser | null> {
    return this.#one<KeptUser>('SELECT * FROM users WHERE login = ?', login);
  }

  findUsers(userIds: readonly UserId[]): Promise<readonly KeptUser[]> {
    return this.#all<KeptUser>('SELECT * FROM users WHERE userId IN (SELECT value FROM json_each(?))', JSON.stringify(userIds));
  }

  listUsers(after: string | null, limit: number): Promise<readonly KeptUser[]> {
    return this.#all<KeptUser>('SELECT * FROM users WHERE login > ? ORDER BY login LIMIT ?', after ?? '', limit);
  }

  setPassword(userId: UserId, passwordHash: string): Promise<void> {
    return this.#run('UPDATE users SET passwordHash = ? WHERE userId = ?', passwordHash, userId);
  }

  forgetUser(userId: UserId): Promise<void> {
    return this.#run('DELETE FROM users WHERE userId = ?', userId);
  }

  insertToken({ hash, tokenId, projectId, name }: KeptToken): Promise<void> {
    return this.#run('INSERT OR IGNORE INTO tokens VALUES (?, ?, ?, ?)', hash, tokenId, projectId, name);
  }

  findToken(hash: string): Promise<KeptToken | null> {
    return this.#one<KeptToken>('SELECT * FROM tokens WHERE hash = ?', hash);
  }

  tokensOf(projectId: ProjectId): Promise<readonly KeptToken[]> {
    return this.#all<KeptToken>('SELECT * FROM tokens WHERE projectId = ? ORDER BY hash', projectId);
  }

  forgetHash(hash: string): Promise<void> {
    return this.#run('DELETE FROM tokens WHERE hash = ?', hash);
  }

  forgetToken(tokenId: TokenId): Promise<void> {
    return this.#run('DELETE FROM tokens WHERE tokenId = ?', tokenId);
  }

  forgetTokensOf(projectId: ProjectId): Promise<void> {
    return this.#run('DELETE FROM tokens WHERE projectId = ?', projectId);
  }

  async originOf(address: string, fresh: OriginId): Promise<OriginId> {
    const known = () => this.#one<KeptOrigin>('SELECT * FROM origins WHERE address = ?', address);
    const before = await known();
    if (before) return before.originId;
    await this.#run('INSERT OR IGNORE INTO origins VALUES (?, ?)', fresh, address);
    return (await known())!.originId;
  }

  findOrigin(originId: OriginId): Promise<KeptOrigin | null> {
    return this.#one<KeptOrigin>('SELECT * FROM origins WHERE originId = ?', originId);
  }

  forgetOrigin(originId: OriginId): Promise<void> {
    return this.#run('DELETE FROM origins WHERE originId = ?', originId);
  }

  async close(): Promise<void> {
    this.file.close();
  }

  async #run(sql: string, ...values: SQLInputValue[]): Promise<void> {
    await this.file.try((db) => db.prepare(sql).run(...values));
  }

  async #one<T>(sql: string, ...values: SQLInputValue[]): Promise<T | null> {
    return (await this.#all<T>(sql, ...values))[0] ?? null;
  }

  #all<T>(sql: string, ...values: SQLInputValue[]): Promise<readonly T[]> {
    return this.file.try((db) => db.prepare(sql).all(...values).map((row) => ({ ...row }) as T));
  }
}
