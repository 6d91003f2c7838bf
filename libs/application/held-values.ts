import {
  config, latestVersion, secret, streamOf,
  type Apply, type CommandMetadata, type ConfigId, type EnvironmentId, type ExistingValue, type HeldValue, type ProjectId, type SecretId,
} from '#domain';
import type { AggregateStore, Handled, HandleOptions } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToConfig, ToProject, ToSecret } from './aggregate-command.ts';
import { withClaimedName } from './claimed-name.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { refuseWithoutEnvironment } from './standing-environment.ts';

/** Secrets and configs go the same way. */
export type HeldKind = 'secret' | 'config';
type Held = HeldValue<SecretId | ConfigId>;
type Parts = { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore };

/** What is asked for; its value is kept by then, as version 1 under `valueId`. */
export interface NewHeldValue {
  readonly projectId: ProjectId;
  /** Null: for all of the project. */
  readonly environmentId: EnvironmentId | null;
  readonly name: string;
  readonly valueId: string;
}

/** The id that it has under the command that creates it. */
export const heldIdOf = (kind: HeldKind, commandId: string): SecretId | ConfigId => (kind === 'secret' ? deriveId('sec', commandId, kind, 0) : deriveId('cfg', commandId, kind, 0));

/** As its stream says. */
export async function loadHeld(aggregates: AggregateStore, id: string): Promise<Held> {
  return isSecret(id) ? (await aggregates.load(secret, streamOf('secret', id))).state : (await aggregates.load(config, streamOf('config', id))).state;
}

/** Whether the command was carried out on it. */
export const heldStands = (aggregates: AggregateStore, id: string, commandId: string): Promise<boolean> =>
  isSecret(id) ? aggregates.stands(secret, streamOf('secret', id), commandId) : aggregates.stands(config, streamOf('config', id), commandId);

/** Claims the name, then writes it. @throws Rejection `name.taken`, `name.invalid`, `environment.not_found`, `project.not_found`, `reservation.voided`. */
export async function createHeldValue({ dispatcher, aggregates }: Parts, kind: HeldKind, asked: NewHeldValue, metadata: CommandMetadata): Promise<Handled<Held>> {
  const { projectId, environmentId, name } = asked;
  const id = heldIdOf(kind, metadata.commandId);
  if (environmentId !== null) await refuseWithoutEnvironment(aggregates, { kind, id }, { projectId, environmentId });
  const command =
    kind === 'secret'
      ? new ToSecret(id, { type: 'CreateSecret', data: { ...asked, secretId: id as SecretId } }, metadata)
      : new ToConfig(id, { type: 'CreateConfig', data: { ...asked, configId: id as ConfigId } }, metadata);
  return withClaimedName({ dispatcher, aggregates }, { on: projectId, scope: kind, environmentId, name, holder: id }, metadata, () => send(dispatcher, command));
}

/** The next version; its value is kept by then. @throws Rejection `secret.version_taken`, `secret.deleted`, and the same of configs. */
export function addHeldVersion(
  dispatcher: Dispatcher,
  id: string,
  data: { readonly version: number; readonly valueId: string; readonly apply: Apply },
  sending: { readonly metadata: CommandMetadata; readonly options: HandleOptions },
): Promise<Handled<Held>> {
  const { metadata, options } = sending;
  return send(dispatcher, isSecret(id) ? new ToSecret(id, { type: 'AddSecretVersion', data }, metadata, options) : new ToConfig(id, { type: 'AddConfigVersion', data }, metadata, options));
}

/** Deletes it, then frees its name: in this order the name never leads to two. What a crash leaves between the two the scheduler makes good. */
export async function deleteHeldValue(dispatcher: Dispatcher, { id, projectId, environmentId, name }: ExistingValue<string>, metadata: CommandMetadata, options: HandleOptions): Promise<Handled<Held>> {
  const command = isSecret(id) ? new ToSecret(id, { type: 'DeleteSecret', data: {} }, metadata, options) : new ToConfig(id, { type: 'DeleteConfig', data: {} }, metadata, options);
  const deleted = await send(dispatcher, command);
  const data = { scope: isSecret(id) ? 'secret' : 'config', environmentId, name, holder: id } as const;
  await dispatcher.send(new ToProject(projectId, { type: 'ReleaseName', data }, followUp(metadata, commandIdOf('release-name', id, metadata.commandId))));
  return deleted;
}

/** The number that a further version would have. */
export const nextVersion = (held: Pick<ExistingValue<string>, 'versions'>): number => latestVersion(held) + 1;

const isSecret = (id: string): boolean => id.startsWith('sec_');

const send = (dispatcher: Dispatcher, command: ToSecret | ToConfig): Promise<Handled<Held>> => dispatcher.send(command as ToSecret);
