import type { Cases, Decider } from '../kernel/decider.ts';
import type { ConfigId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isUnwritten, tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import type { Apply } from '../secret/events.ts';
import type { ConfigEvent } from './events.ts';
import { begun, ended, latestVersion, withVersion, type ExistingValue, type HeldValue } from '../secret/held-value.ts';

export type ConfigCommand =
  /** After its content is kept. */
  | { type: 'CreateConfig'; data: Extract<ConfigEvent, { type: 'ConfigCreated' }>['data'] }
  /** After the content is kept as this version; where another request came first, the number is taken and it has to be kept as the next. */
  | { type: 'AddConfigVersion'; data: { version: number; valueId: string; apply: Apply } }
  /** After nobody was found to use it. */
  | { type: 'DeleteConfig'; data: Record<never, never> }
  | VoidReservation;

export type Config = HeldValue<ConfigId>;

const initial: Config = { status: 'absent' };

const evolutions: Cases<ConfigEvent, Config, Config> = {
  ConfigCreated: (_, { data }) => begun(data.configId, data),
  ConfigVersionAdded: (config, { data }) => withVersion(config, data),
  ConfigDeleted: (config) => ended(config),
  ConfigReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

const decisions: Cases<ConfigCommand, Config, readonly ConfigEvent[]> = {
  CreateConfig(config, { data }) {
    if (config.status === 'voided') throw tooLate('name', config.reason);
    if (config.status !== 'absent') throw new Rejection('conflict', 'config.exists', 'it was created by another request: read it instead');
    return [{ type: 'ConfigCreated', data }];
  },

  AddConfigVersion(config, { data: { version, valueId, apply } }) {
    const { id, ...standing } = existing(config);
    if (standing.status === 'deleted') throw new Rejection('conflict', 'config.deleted', 'it was deleted: create another one');
    const next = latestVersion(standing) + 1;
    if (version !== next) throw new Rejection('conflict', 'config.version_taken', 'another request made this version: keep the content as the next one', { next });
    return [{ type: 'ConfigVersionAdded', data: { configId: id, version, valueId, apply } }];
  },

  DeleteConfig(config) {
    const { status, id, projectId, environmentId, name } = existing(config);
    return status === 'deleted' ? [] : [{ type: 'ConfigDeleted', data: { configId: id, projectId, environmentId, name } }];
  },

  VoidReservation: (config, { data }) => voidOnce(config, { type: 'ConfigReservationVoided', data }),
};

function existing(config: Config): ExistingValue<ConfigId> {
  if (isUnwritten(config)) throw new Rejection('not_found', 'config.not_found', 'it was never created');
  return config;
}

/** The rules of a config: its versions are counted without a gap, and none is ever changed. */
export const config: Decider<Config, ConfigCommand, ConfigEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
