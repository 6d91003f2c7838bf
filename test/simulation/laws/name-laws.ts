import { OWN_NETWORK, parseStream, PLATFORM, type NameScope } from '#domain';
import type { Recorded } from '#event-store';
import type { Ledger } from './ledger.ts';

/** What is written under a name that was claimed for it before: by the type of its first event, the scope of the name. */
const BORN: Readonly<Record<string, NameScope>> = {
  ProjectCreated: 'project',
  DockerServiceCreated: 'docker_service',
  VolumeCreated: 'volume',
  NetworkCreated: 'network',
  SecretCreated: 'secret',
  ConfigCreated: 'config',
  ResourceCreated: 'resource',
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- data of any event, as it stands in the log
type Data = any;

/** What must hold of names that are unique, with each event. */
export const NAME_LAWS: Readonly<Record<string, (event: Recorded, ledger: Ledger) => string | null>> = {
  'a name belongs to one at a time': ({ type, stream, data }, ledger) => {
    if (type !== 'NameClaimed') return null;
    const { scope, environmentId, name, holder } = data as Data;
    const before = claimsOn(ledger, parseStream(stream).id).find((claim) => claim.scope === scope && claim.environmentId === environmentId && claim.name === name);
    return before ? `${name} was given to ${holder} while ${before.holder} held it` : null;
  },

  'whoever has a name is written while he holds it': ({ type, stream, data }, ledger) => {
    const scope = BORN[type];
    const { projectId, name } = data as Data;
    // An environment's own network is named by nobody.
    if (!scope || (scope === 'network' && name === OWN_NETWORK)) return null;
    const { id } = parseStream(stream);
    const isHeld = claimsOn(ledger, scope === 'project' ? PLATFORM : projectId).some((claim) => claim.scope === scope && claim.holder === id && claim.name === name);
    return isHeld ? null : `${id} was written as ${name}, which it doesn't hold`;
  },

  'a name is free only after its bearer is over': ({ type, data }, ledger) => {
    if (type !== 'NameReleased') return null;
    const { scope, name, holder } = data as Data;
    return isOver(ledger, scope, holder) ? null : `${name} was freed while ${holder} is there`;
  },
};

const claimsOn = (ledger: Ledger, id: string) => [...(ledger.projects.get(id)?.claims.values() ?? [])];

/** Never written, or gone. */
function isOver({ projects, services, volumes, networks, values, resources }: Ledger, scope: NameScope, holder: string): boolean {
  const things: Readonly<Record<NameScope, ReadonlyMap<string, { readonly status: string; readonly lifecycle?: string }>>> = {
    project: projects, docker_service: services, volume: volumes, network: networks, secret: values, config: values, resource: resources,
  };
  const thing = things[scope].get(holder);
  return thing?.status !== 'present' || thing.lifecycle === 'DELETED';
}
