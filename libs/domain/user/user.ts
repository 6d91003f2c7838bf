import type { Cases, Decider } from '../kernel/decider.ts';
import type { UserId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { UserEvent } from './events.ts';

export type UserCommand =
  | { type: 'CreateUser'; data: { userId: UserId; isOperator: boolean } }
  /** The password itself is with whoever keeps it. */
  | { type: 'ChangeUserPassword'; data: Record<never, never> }
  | { type: 'DeleteUser'; data: Record<never, never> };

/** Whether somebody may sign in at all, and with which passwords' sessions. */
export interface User {
  readonly status: 'absent' | 'present' | 'deleted';
  readonly userId: UserId | null;
  /** Runs the platform: reaches every project. */
  readonly isOperator: boolean;
  /** Counts passwords from 1: a session that was opened with an earlier one is void. */
  readonly password: number;
}

const initial: User = { status: 'absent', userId: null, isOperator: false, password: 0 };

const evolutions: Cases<UserEvent, User, User> = {
  UserCreated: (_, { data: { userId, isOperator } }) => ({ status: 'present', userId, isOperator, password: 1 }),
  UserPasswordChanged: (user) => ({ ...user, password: user.password + 1 }),
  UserDeleted: (user) => ({ ...user, status: 'deleted' }),
};

const decisions: Cases<UserCommand, User, readonly UserEvent[]> = {
  CreateUser(user, { data }) {
    if (user.status === 'absent') return [{ type: 'UserCreated', data }];
    throw new Rejection('conflict', 'user.exists', 'another request created them: read them instead');
  },
  ChangeUserPassword: (user) => [{ type: 'UserPasswordChanged', data: { userId: presentUser(user) } }],
  DeleteUser: (user) => (user.status === 'deleted' ? [] : [{ type: 'UserDeleted', data: { userId: presentUser(user) } }]),
};

function presentUser({ status, userId }: User): UserId {
  if (status !== 'present' || userId === null) throw new Rejection('not_found', 'user.not_found', 'there is no such user: GET /v1/users lists them');
  return userId;
}

/** The rules of a user. */
export const user: Decider<User, UserCommand, UserEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
