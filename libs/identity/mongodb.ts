import { MongoServerError, type Collection } from 'mongodb';
import { Transient, type Clock } from '#contracts';
import type { OriginId, ProjectId, TokenId, UserId } from '#domain';
import { MongoConnection } from '#mongodb';
import type { IdentityStore, KeptOrigin, KeptToken, KeptUser } from './port.ts';

/** By what has to be unique, so that no two can be made at once. */
type StoredUser = Omit<KeptUser, 'login'> & { readonly _id: string };
type StoredToken = Omit<KeptToken, 'hash'> & { readonly _id: string };
type StoredOrigin = Omit<KeptOrigin, 'address'> & { readonly _id: string };

const DUPLICATE_KEY = 11000;

/** Identities in a MongoDB database of their own (the URL's, `waybill_identities` without one); connects when it is first used.
 *  @throws the driver's MongoParseError for a URL that is none. */
export function openMongoIdentities(url: string, clock: Clock): IdentityStore {
  return new MongoIdentities(new MongoConnection({ url, database: 'waybill_identities', clock, client: { journal: true } }));
}

class MongoIdentities implements IdentityStore {
  #indexed: Promise<unknown> | null = null;

  constructor(private readonly connection: MongoConnection) {}

  get #users(): Collection<StoredUser> {
    return this.connection.db.collection('users');
  }

  get #tokens(): Collection<StoredToken> {
    return this.connection.db.collection('tokens');
  }

  get #origins(): Collection<StoredOrigin> {
    return this.connection.db.collection('origins');
  }

  insertUser({ login, ...user }: KeptUser): Promise<KeptUser> {
    return this.#ask(async () => {
      const same = await this.#users.findOne({ userId: user.userId });
      return userOf(same ?? (await this.#claim(this.#users, { _id: login, ...user })));
    });
  }

  findUser(userId: UserId): Promise<KeptUser | null> {
    return this.#ask(async () => orNull(await this.#users.findOne({ userId }), userOf));
  }

  findLogin(login: string): Promise<KeptUser | null> {
    return this.#ask(async () => orNull(await this.#users.findOne({ _id: login }), userOf));
  }

  findUsers(userIds: readonly UserId[]): Promise<readonly KeptUser[]> {
    return this.#ask(async () => (await this.#users.find({ userId: { $in: [...userIds] } }).toArray()).map(userOf));
  }

  listUsers(after: string | null, limit: number): Promise<readonly KeptUser[]> {
    return this.#ask(async () => (await this.#users.find({ _id: { $gt: after ?? '' } }, { sort: { _id: 1 }, limit }).toArray()).map(userOf));
  }

  async setPassword(userId: UserId, passwordHash: string): Promise<void> {
    await this.#ask(() => this.#users.updateOne({ userId }, { $set: { passwordHash } }));
  }

  async forgetUser(userId: UserId): Promise<void> {
    await this.#ask(() => this.#users.deleteMany({ userId }));
  }

  async insertToken({ hash, ...token }: KeptToken): Promise<void> {
    await this.#ask(() => this.#claim(this.#tokens, { _id: hash, ...token }));
  }

  findToken(hash: string): Promise<KeptToken | null> {
    return this.#ask(async () => orNull(await this.#tokens.findOne({ _id: hash }), tokenOf));
  }

  tokensOf(projectId: ProjectId): Promise<readonly KeptToken[]> {
    return this.#ask(async () => (await this.#tokens.find({ projectId }, { sort: { _id: 1 } }).toArray()).map(tokenOf));
  }

  async forgetHash(hash: string): Promise<void> {
    await this.#ask(() => this.#tokens.deleteOne({ _id: hash }));
  }

  async forgetToken(tokenId: TokenId): Promise<void> {
    await this.#ask(() => this.#tokens.deleteMany({ tokenId }));
  }

  async forgetTokensOf(projectId: ProjectId): Promise<void> {
    await this.#ask(() => this.#tokens.deleteMany({ projectId }));
  }

  originOf(address: string, fresh: OriginId): Promise<OriginId> {
    return this.#ask(async () => (await this.#claim(this.#origins, { _id: address, originId: fresh })).originId);
  }

  findOrigin(originId: OriginId): Promise<KeptOrigin | null> {
    return this.#ask(async () => orNull(await this.#origins.findOne({ originId }), ({ _id, originId: id }): KeptOrigin => ({ originId: id, address: _id })));
  }

  async forgetOrigin(originId: OriginId): Promise<void> {
    await this.#ask(() => this.#origins.deleteMany({ originId }));
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #index(): Promise<void> {
    await this.#users.createIndex({ userId: 1 });
    await this.#tokens.createIndexes([{ key: { tokenId: 1 } }, { key: { projectId: 1 } }]);
    await this.#origins.createIndex({ originId: 1 });
  }

  /** Inserts it, unless something stands under its `_id`. @returns what stands then. */
  async #claim<T extends { readonly _id: string }>(collection: Collection<T>, document: T): Promise<T> {
    const standing = (await collection.findOne({ _id: document._id } as never)) as T | null;
    if (standing) return standing;
    try {
      await collection.insertOne(document as never);
      return document;
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
      return (await collection.findOne({ _id: document._id } as never)) as T;
    }
  }

  /** @throws Transient `identity_store.unavailable`, without a word of what was to be written */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      await (this.#indexed ??= this.connection.ask(() => this.#index()));
    } catch (error) {
      this.#indexed = null;
      throw unavailable(error);
    }
    return this.connection.ask(work).catch((error: unknown) => {
      throw unavailable(error);
    });
  }
}

const unavailable = (error: unknown): Transient => (error instanceof Transient ? error : new Transient('identity_store.unavailable', `MongoDB can't be used for identities: ${(error as Error).message}`));

const orNull = <A, B>(found: A | null, as: (found: A) => B): B | null => (found === null ? null : as(found));
const userOf = ({ _id, userId, name, passwordHash, createdAt }: StoredUser): KeptUser => ({ userId, login: _id, name, passwordHash, createdAt });
const tokenOf = ({ _id, tokenId, projectId, name }: StoredToken): KeptToken => ({ hash: _id, tokenId, projectId, name });
