import type { OriginId, ProjectId, TokenId, UserId } from '#domain';

/** A person, as far as they are known by more than an id. */
export interface KeptUser {
  readonly userId: UserId;
  /** What they sign in with; unique. */
  readonly login: string;
  readonly name: string | null;
  /** In the PHC string format (`passwords.ts`). */
  readonly passwordHash: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A token, without what it is: only its hash is kept. */
export interface KeptToken {
  /** SHA-256, hex. Several may be one token's: two requests that came at once under one name made each their own. */
  readonly hash: string;
  readonly tokenId: TokenId;
  readonly projectId: ProjectId;
  readonly name: string;
}

/** Where requests come from. */
export interface KeptOrigin {
  readonly originId: OriginId;
  /** An IP address. */
  readonly address: string;
}

/** All that is known of people and their addresses, which events don't say: a store of its own, that can forget. What stands in it grants nothing: whether
 *  a user or a token counts, streams say. Every method throws Transient `identity_store.unavailable` while it can't be used. Adapters pass one contract
 *  suite (`contract.ts`). */
export interface IdentityStore {
  /** Keeps them, durably, unless somebody of this id or login stands. @returns who stands then. */
  insertUser(user: KeptUser): Promise<KeptUser>;
  findUser(userId: UserId): Promise<KeptUser | null>;
  findLogin(login: string): Promise<KeptUser | null>;
  /** Those of these ids that are known. */
  findUsers(userIds: readonly UserId[]): Promise<readonly KeptUser[]>;
  /** By login, those after `after`. */
  listUsers(after: string | null, limit: number): Promise<readonly KeptUser[]>;
  /** Silent where they aren't known. */
  setPassword(userId: UserId, passwordHash: string): Promise<void>;
  forgetUser(userId: UserId): Promise<void>;

  insertToken(token: KeptToken): Promise<void>;
  findToken(hash: string): Promise<KeptToken | null>;
  /** By hash. */
  tokensOf(projectId: ProjectId): Promise<readonly KeptToken[]>;
  forgetHash(hash: string): Promise<void>;
  forgetToken(tokenId: TokenId): Promise<void>;
  forgetTokensOf(projectId: ProjectId): Promise<void>;

  /** The id that an address has; `fresh` from now on, where it has none. */
  originOf(address: string, fresh: OriginId): Promise<OriginId>;
  findOrigin(originId: OriginId): Promise<KeptOrigin | null>;
  /** The address gets another id when it comes again. */
  forgetOrigin(originId: OriginId): Promise<void>;

  close(): Promise<void>;
}
