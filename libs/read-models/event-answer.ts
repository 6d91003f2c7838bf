import { type Actor, type AnyEvent, parseStream, type ProjectId, type StreamCategory } from '#domain';
import type { Recorded } from '#event-store';
import { setOwn } from './canonical-json.ts';
import { keysOf, type Of } from './view.ts';

/** An event as it is shown: over `…/events`, and as `data:` of an SSE stream whose `id:` is the position. */
export interface EventAnswer {
  readonly position: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly at: string;
  readonly actor: Actor;
  /** Null for what belongs to no project. */
  readonly project_id: ProjectId | null;
  /** As recorded, with names in snake_case. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly correlation_id: string;
  readonly causation_id: string | null;
}

/** The event as it is shown. */
export const eventAnswer = (event: Recorded): EventAnswer => ({
  position: event.position,
  type: event.type,
  stream: event.stream,
  revision: Number(event.revision),
  at: event.metadata.at,
  actor: event.metadata.actor,
  project_id: projectOf(event),
  data: shownData(event),
  correlation_id: event.metadata.correlationId,
  causation_id: event.metadata.causationId,
});

/** The project that an event tells of; null for what belongs to none (a node, a plan). */
export function projectOf({ data, metadata: { tenantId } }: Recorded): ProjectId | null {
  const named = 'projectId' in data && typeof data.projectId === 'string' ? data.projectId : tenantId;
  return named.startsWith('prj_') ? (named as ProjectId) : null;
}

/** The service, job or schedule that an event is about, also where it stands in the stream of a deployment, a replica or a node; null for others. */
export function ownerOf(event: Recorded): string | null {
  const { category, id } = parseStream(event.stream);
  if (category === 'docker_service' || category === 'job' || category === 'schedule') return id;
  const { data } = event as { data: { owner?: { id: string }; dockerServiceId?: string } };
  return data.owner?.id ?? data.dockerServiceId ?? claimant(event)[0] ?? null;
}

/** A thing, by what it is. A quota has the id of its project or service, a member that of the user. */
export interface ResourceNamed {
  readonly type: StreamCategory | 'environment' | 'member' | 'token' | 'quota';
  readonly id: string;
}

/** What an event is about: the thing that its stream belongs to, or what it names in there. */
export function resourceOf(event: Recorded): ResourceNamed {
  const named = NAMED[event.type as AnyEvent['type']]?.(event as never);
  if (named) return named;
  const { category, id } = parseStream(event.stream);
  return { type: category, id };
}

const claimant = keysOf({
  NameClaimed: ({ data: { scope, holder } }) => (scope === 'docker_service' ? holder : null),
  NameReleased: ({ data: { scope, holder } }) => (scope === 'docker_service' ? holder : null),
  QuotaWarningRaised: ({ data: { scope, id } }) => (scope === 'docker_service' ? id : null),
  QuotaWarningEnded: ({ data: { scope, id } }) => (scope === 'docker_service' ? id : null),
});

const environment = ({ data }: Of<'EnvironmentCreated' | 'EnvironmentDeleted'>): ResourceNamed => ({ type: 'environment', id: data.environmentId });
const network = ({ data }: Of<'SubnetAllotted' | 'SubnetBarred' | 'SubnetFreed'>): ResourceNamed => ({ type: 'network', id: data.networkId });
const member = ({ data }: Of<'MemberAdded' | 'MemberRoleChanged' | 'MemberRemoved'>): ResourceNamed => ({ type: 'member', id: data.userId });
const token = ({ data }: Of<'TokenIssued' | 'TokenRevoked'>): ResourceNamed => ({ type: 'token', id: data.tokenId });
const quota = (id: string): ResourceNamed => ({ type: 'quota', id });

const NAMED: { readonly [Type in AnyEvent['type']]?: (event: Of<Type>) => ResourceNamed } = {
  EnvironmentCreated: environment,
  EnvironmentDeleted: environment,
  SubnetAllotted: network,
  SubnetBarred: network,
  SubnetFreed: network,
  MemberAdded: member,
  MemberRoleChanged: member,
  MemberRemoved: member,
  TokenIssued: token,
  TokenRevoked: token,
  ProjectQuotaChanged: ({ stream }) => quota(parseStream(stream).id),
  ServiceQuotaChanged: ({ data }) => quota(data.dockerServiceId),
  QuotaWarningRaised: ({ data }) => quota(data.id),
  QuotaWarningEnded: ({ data }) => quota(data.id),
};

/** The data of an event with names of ours in snake_case. What labels were before and after has none of ours. */
export const shownData = ({ type, data }: Recorded): Record<string, unknown> => (type === 'DockerServiceLabelsChanged' ? { ...data } : (snakeCased(data) as Record<string, unknown>));

/** Names that tenants chose stay as they are. */
const CHOSEN_BY_TENANTS: ReadonlySet<string> = new Set(['env', 'labels']);

/** Recorded data as JSON answers have it: every name of ours in snake_case, and in the order that documents are written in. */
export function snakeCased(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(snakeCased);
  const answer: Record<string, unknown> = {};
  for (const [name, shown, isChosen] of namesOf(value)) {
    const held = (value as Record<string, unknown>)[name];
    setOwn(answer, shown, isChosen ? held : snakeCased(held));
  }
  return answer;
}

type Name = readonly [recorded: string, shown: string, isChosen: boolean];

/** Names of ours come in few combinations, each in many events. */
const known = new Map<string, readonly Name[]>();

function namesOf(value: object): readonly Name[] {
  const recorded = Object.keys(value);
  const key = recorded.join(' ');
  const before = known.get(key);
  if (before) return before;
  const names = recorded.map((name): Name => [name, snake(name), CHOSEN_BY_TENANTS.has(name)]).sort(([, a], [, b]) => (a < b ? -1 : 1));
  if (known.size < 1_000) known.set(key, names);
  return names;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
