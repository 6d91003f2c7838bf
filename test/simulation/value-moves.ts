import { heldIdOf, type HeldKind } from '#application';
import { Sensitive, type CommandMetadata, type ConfigId, type ContainerSpec, type SecretId } from '#domain';
import { Mutation } from '../../apps/api-gateway/edge/mutation.ts';
import { picker, TENANT, type Client } from './client.ts';
import { valueUsers } from './laws/value-laws.ts';

type Pick = ReturnType<typeof picker>;

/** What a container is given of the secrets and configs that the client knows of: nothing mostly. */
export function usesOf({ held }: Client, pick: Pick): Uses {
  const secretId = pick([...held].filter((id) => kindOf(id) === 'secret')) as SecretId | undefined;
  const configId = pick([...held].filter((id) => kindOf(id) === 'config')) as ConfigId | undefined;
  const [follows, as] = [pick([true, true, false]), pick(['env', 'file'] as const)];
  const version = follows ? null : 1;
  return {
    ...(secretId && pick([true, false, false]) ? { secrets: [{ key: 'KEY', secretId, version, follows, as }] } : {}),
    ...(configId && pick([true, false, false]) ? { configs: [{ path: '/etc/app.conf', mode: '0444', uid: 0, gid: 0, content: null, configId, version, follows }] } : {}),
  };
}

type Uses = { readonly [Part in 'secrets' | 'configs']?: ContainerSpec[Part] };

/** What clients do about secrets and configs. Every value is a canary. */
export const VALUE_MOVES = {
  keep: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const kind = pick(['secret', 'secret', 'config'] as const);
    const name = pick(['db', 'api', 'mail', 'app']);
    const environmentId = pick([client.home.environmentId, null]);
    client.ask({
      what: `keep the ${kind} ${name}`,
      type: TYPES[kind].created,
      deed: async (gateway, metadata) => {
        const asked = { projectId: client.home.projectId, environmentId, name, value: valueOf(client, metadata) };
        return (await gateway.keep[kind].create(asked, mutationOf(metadata))).handled;
      },
      whenDone: (commandId) => client.held.add(heldIdOf(kind, commandId)),
    });
  },

  rotate: onHeld((client, id, pick) => {
    const apply = pick(['now', 'now', 'next_deploy'] as const);
    client.ask({
      what: `keep another value of ${id} (${apply})`,
      type: TYPES[kindOf(id)].added,
      deed: async (gateway, metadata) => {
        const [keep, mutation] = [gateway.keep[kindOf(id)], mutationOf(metadata)];
        return keep.change(await keep.reach(TENANT, id, mutation), valueOf(client, metadata), apply, mutation) as never;
      },
    });
  }),

  forget: onHeld((client, id) => {
    client.ask({
      what: `delete ${id}`,
      type: TYPES[kindOf(id)].deleted,
      deed: async (gateway, metadata) => {
        const [keep, mutation] = [gateway.keep[kindOf(id)], mutationOf(metadata)];
        client.world.deletions.note(metadata.commandId, () => valueUsers(client.world.ledger, id));
        return keep.delete(await keep.reach(TENANT, id, mutation), mutation) as never;
      },
    });
  }),
} as const;

const TYPES: Readonly<Record<HeldKind, Readonly<Record<'created' | 'added' | 'deleted', string>>>> = {
  secret: { created: 'SecretCreated', added: 'SecretVersionAdded', deleted: 'SecretDeleted' },
  config: { created: 'ConfigCreated', added: 'ConfigVersionAdded', deleted: 'ConfigDeleted' },
};

const kindOf = (id: string): HeldKind => (id.startsWith('sec_') ? 'secret' : 'config');

const valueOf = ({ world }: Client, { commandId }: CommandMetadata): Sensitive<string> => new Sensitive(world.canaries.valueOf(commandId));

const mutationOf = ({ commandId, bodyHash, now }: CommandMetadata): Mutation => new Mutation(TENANT, commandId, bodyHash ?? null, undefined, now, null);

function onHeld(move: (client: Client, id: string, pick: Pick) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.held]);
    if (id) move(client, id, pick);
  };
}
