import { config as configRules, secret as secretRules, streamOf, type ConfigId, type HeldValue, type SecretId } from '#domain';
import type { AggregateStore } from '#event-store';

/** A secret or a config, by its id, as its stream says. */
export async function readHeld(aggregates: AggregateStore, id: string): Promise<HeldValue<SecretId | ConfigId>> {
  if (id.startsWith('sec_')) return (await aggregates.load(secretRules, streamOf('secret', id))).state;
  return (await aggregates.load(configRules, streamOf('config', id))).state;
}
