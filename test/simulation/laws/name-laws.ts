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

/** As far as an event has it. */
type Told = { readonly scope: NameScope; readonly environmentId: string | null; readonly projectId: string; readonly name: string; readonly holder: string };
const toldIn = ({ data }: Recorded): Told => data as unknown as Told;

/** What must hold of names that are unique, with each event. */
export const NAME_LAWS: Readonly<Record<string, (event: Recorded, ledger: Ledger) => string | null>> = {
  'a name belongs to one at a time': (event, ledger) => {
    if (event.type !== 'NameClaimed') return null;
    const { scope, environmentId, name, holder } = toldIn(event);
    const before = claimsOn(ledger, parseStream(event.stream).id).find((claim) => claim.scope === scope && claim.environmentId === environmentId && claim.name === name);
    return before ? `${name} was given to ${holder} while ${before.holder} held it` : null;
  },

  'whoever has a name is written while he holds it': (event, ledger) => {
    const scope = BORN[event.type];
    const { projectId, name } = toldIn(event);
    // An environment's own network is named by nobody.
    if (!scope || (scope === 'network' && name === OWN_NETWORK)) return null;
    const { id } = parseStream(event.stream);
    const isHeld = claimsOn(ledger, scope === 'project' ? PLATFORM : projectId).some((claim) => claim.scope === scope && claim.holder === id && claim.name === name);
    return isHeld ? null : `${id} was written as ${name}, which it doesn't hold`;
  },

  'a name is free only after its bearer is over': (event, ledger) => {
    if (event.type !== 'NameReleased') return null;
    const { scope, name, holder } = toldIn(event);
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
