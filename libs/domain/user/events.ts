import type { UserId } from '../kernel/ids.ts';

/** A person who signs in. Their name, login and password are kept where they can be forgotten. */
export type UserEvent =
  | { type: 'UserCreated'; data: { userId: UserId; isOperator: boolean } }
  | { type: 'UserPasswordChanged'; data: { userId: UserId } }
  | { type: 'UserDeleted'; data: { userId: UserId } };
