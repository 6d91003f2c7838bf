import type { Cases, Decider } from '../kernel/decider.ts';
import type { SecretId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isUnwritten, tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import type { Apply, SecretEvent } from './events.ts';
import { begun, ended, latestVersion, withVersion, type ExistingValue, type HeldValue } from './held-value.ts';

export type SecretCommand =
  /** After its value is kept. */
  | { type: 'CreateSecret'; data: Extract<SecretEvent, { type: 'SecretCreated' }>['data'] }
  /** After the value is kept as this version; where another request came first, the number is taken and it has to be kept as the next. */
  | { type: 'AddSecretVersion'; data: { version: number; valueId: string; apply: Apply } }
  /** After nobody was found to use it. */
  | { type: 'DeleteSecret'; data: Record<never, never> }
  | VoidReservation;

export type Secret = HeldValue<SecretId>;

const initial: Secret = { status: 'absent' };

const evolutions: Cases<SecretEvent, Secret, Secret> = {
  SecretCreated: (_, { data }) => begun(data.secretId, data),
  SecretVersionAdded: (secret, { data }) => withVersion(secret, data),
  SecretDeleted: (secret) => ended(secret),
  SecretReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

const decisions: Cases<SecretCommand, Secret, readonly SecretEvent[]> = {
  CreateSecret(secret, { data }) {
    if (secret.status === 'voided') throw tooLate('name', secret.reason);
    if (secret.status !== 'absent') throw new Rejection('conflict', 'secret.exists', 'it was created by another request: read it instead');
    return [{ type: 'SecretCreated', data }];
  },

  AddSecretVersion(secret, { data: { version, valueId, apply } }) {
    const { id, ...standing } = existing(secret);
    if (standing.status === 'deleted') throw new Rejection('conflict', 'secret.deleted', 'it was deleted: create another one');
    const next = latestVersion(standing) + 1;
    if (version !== next) throw new Rejection('conflict', 'secret.version_taken', 'another request made this version: keep the value as the next one', { next });
    return [{ type: 'SecretVersionAdded', data: { secretId: id, version, valueId, apply } }];
  },

  DeleteSecret(secret) {
    const { status, id, projectId, environmentId, name } = existing(secret);
    return status === 'deleted' ? [] : [{ type: 'SecretDeleted', data: { secretId: id, projectId, environmentId, name } }];
  },

  VoidReservation: (secret, { data }) => voidOnce(secret, { type: 'SecretReservationVoided', data }),
};

function existing(secret: Secret): ExistingValue<SecretId> {
  if (isUnwritten(secret)) throw new Rejection('not_found', 'secret.not_found', 'it was never created');
  return secret;
}

/** The rules of a secret: its versions are counted without a gap, and none is ever changed. */
export const secret: Decider<Secret, SecretCommand, SecretEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
