import { given } from '../kernel/given.ts';
import type { UserEvent } from './events.ts';
import { user } from './user.ts';

const userId = 'usr_1';
const created: UserEvent = { type: 'UserCreated', data: { userId, isOperator: false } };
const changed: UserEvent = { type: 'UserPasswordChanged', data: { userId } };
const deleted: UserEvent = { type: 'UserDeleted', data: { userId } };

describe('a user', () => {
  it('is created once', () => {
    given(user, []).when({ type: 'CreateUser', data: { userId, isOperator: false } }).then([created]);
    given(user, [created]).when({ type: 'CreateUser', data: { userId, isOperator: true } }).rejects('user.exists');
  });

  it('has one password at a time, counted', () => {
    given(user, [created]).when({ type: 'ChangeUserPassword', data: {} }).then([changed]);
    expect([created, changed, changed].reduce(user.evolve, user.initial).password).toBe(3);
    given(user, []).when({ type: 'ChangeUserPassword', data: {} }).rejects('user.not_found');
  });

  it('is deleted once, and changed no more', () => {
    given(user, [created]).when({ type: 'DeleteUser', data: {} }).then([deleted]);
    given(user, [created, deleted]).when({ type: 'DeleteUser', data: {} }).then([]);
    given(user, [created, deleted]).when({ type: 'ChangeUserPassword', data: {} }).rejects('user.not_found');
    given(user, [created, deleted]).when({ type: 'CreateUser', data: { userId, isOperator: false } }).rejects('user.exists');
  });
});
