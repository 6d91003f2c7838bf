import { upcast } from '#domain';
import type { Recorded } from '#event-store';
import type { ResourceNamed } from './event-answer.ts';
import { isType, readWhole, type EventSource } from './related.ts';
import type { Document } from './port.ts';
import { completed, foldInto, type View } from './view.ts';
import type { AuditDocument } from './views/audit.ts';
import { memberKey, members, tokens } from './views/access.ts';
import { deployments } from './views/deployments.ts';
import { environments } from './views/environments.ts';
import { configs, secrets } from './views/held-values.ts';
import { jobs } from './views/jobs.ts';
import { networks } from './views/networks.ts';
import { nodes } from './views/nodes.ts';
import { plans } from './views/plans.ts';
import { projects } from './views/projects.ts';
import { replicas } from './views/replicas.ts';
import { resources } from './views/resources.ts';
import { schedules } from './views/schedules.ts';
import { services } from './views/services.ts';
import { users } from './views/users.ts';
import { volumes } from './views/volumes.ts';

/** The fields of a thing that are others after an event than before it, as a read of the thing shows them. */
export interface Change {
  readonly before: object | null;
  readonly after: object | null;
}

/** How a thing is folded from the stream that its event stands in alone, and what of it is no field of its own: the inner state of the fold, and what follows
 *  from other streams. */
interface Fold {
  readonly view: View;
  readonly hidden?: readonly string[];
  /** Where the thing stands in the view; by its id, if left out. */
  readonly keyOf?: (entry: Entry) => string;
}

type Entry = Pick<AuditDocument, 'stream' | 'revision' | 'resource_type' | 'resource_id' | 'project_id'>;

const of = (view: unknown, ...hidden: string[]): Fold => ({ view: view as View, hidden });

const FOLDS: { readonly [Type in ResourceNamed['type']]?: Fold } = {
  docker_service: of(services, 'members', 'releases', 'last_release', 'own_labels', 'desired', 'stable_release', 'active_deployment', 'deploying', 'deletion_asked_by', 'status', 'status_reason', 'degraded', 'replicas'),
  deployment: of(deployments, 'history', 'ordered', 'healthy_deadline_ms'),
  replica: of(replicas, 'owner_id'),
  node: of(nodes, 'entries', 'reachable', 'removed'),
  job: of(jobs, 'starting_at', 'trigger_type'),
  schedule: of(schedules),
  project: of(projects),
  environment: of(environments),
  member: { ...of(members), keyOf: ({ project_id, resource_id }) => memberKey({ projectId: project_id ?? '', userId: resource_id }) },
  token: of(tokens),
  user: of(users),
  plan: of(plans),
  network: of(networks),
  volume: of(volumes),
  secret: of(secrets),
  config: of(configs),
  resource: of(resources),
};

/** Of every thing. */
const HIDDEN = ['id', 'position', 'revision', 'updated_at', 'updated_by'];

/** So many streams are remembered where they were folded to last. */
const KEPT = 500;
/** An event that lies further behind what was folded isn't reached for: a page of entries costs a bounded number of reads. */
const FURTHEST = 10_000;

interface Folded {
  readonly revision: number;
  readonly doc: Document | null;
}

/** Tells of entries what they changed, by folding their streams up to them. Asked in the order of the log it reads each stream once. */
export class Changes {
  readonly #folded = new Map<string, Folded>();

  constructor(private readonly source: EventSource) {}

  /** Nulls where nothing that is shown was changed, and where the entry lies more than 10,000 events deep in its stream. */
  async of(entry: Entry): Promise<Change> {
    const { stream, revision, resource_type: type } = entry;
    const fold = FOLDS[type as ResourceNamed['type']];
    if (!fold) return NOTHING;
    const id = fold.keyOf?.(entry) ?? entry.resource_id;
    const key = `${stream} ${id}`;
    const known = this.#folded.get(key);
    const from = known && known.revision < revision ? known : { revision: -1, doc: await this.#begun(type, id) };
    if (revision - from.revision > FURTHEST) return NOTHING;
    let before: Document | null = null;
    let doc = from.doc;
    const range = { from: BigInt(from.revision + 1), limit: revision - from.revision };
    for await (const event of this.source.store.readStream(stream, range)) {
      before = doc;
      doc = into(fold.view, doc, upcast(event), id);
    }
    this.#remember(key, { revision, doc });
    return changeBetween(shown(fold, before), shown(fold, doc));
  }

  /** A deployment begins in the stream of its service. */
  async #begun(type: string, id: string): Promise<Document | null> {
    if (type !== 'deployment') return null;
    let opened: Recorded | undefined;
    for await (const event of this.source.store.readStream(`deployment-${id}`, { limit: 1 })) opened = event;
    if (!opened || !isType('DeploymentOpened')(opened)) return null;
    const own = await readWhole(this.source, 'docker_service', opened.data.dockerServiceId, opened.metadata.at);
    const start = own.find((event) => isType('DeploymentStarted')(event) && event.data.deploymentId === id);
    return start ? into(FOLDS.deployment!.view, null, start, id) : null;
  }

  #remember(key: string, folded: Folded): void {
    this.#folded.delete(key);
    this.#folded.set(key, folded);
    if (this.#folded.size > KEPT) this.#folded.delete(this.#folded.keys().next().value!);
  }
}

const NOTHING: Change = { before: null, after: null };

const into = (view: View, doc: Document | null, event: Recorded, id: string): Document | null => (view.keys(event).includes(id) ? foldInto(view, doc, event, id) : doc);

type Fields = Readonly<Record<string, unknown>>;

function shown({ view, hidden = [] }: Fold, doc: Document | null): Fields | null {
  if (!doc) return null;
  return Object.fromEntries(Object.entries(completed(view, doc)).filter(([name]) => !HIDDEN.includes(name) && !hidden.includes(name)));
}

function changeBetween(before: Fields | null, after: Fields | null): Change {
  if (!before || !after) return { before, after };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return names.length === 0 ? NOTHING : { before: picked(before, names), after: picked(after, names) };
}

const picked = (fields: Fields, names: readonly string[]): Fields => Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
