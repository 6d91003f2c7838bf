/** What of a request says how much work it is. */
export interface Asked {
  readonly method: string;
  /** As the route is declared, `/v1/projects/:project_id`; undefined where there is none. */
  readonly route: string | undefined;
  readonly query: Readonly<Record<string, unknown>>;
  /** The header of that name. */
  readonly accept: string | undefined;
}

/** A thing as of an instant is folded anew from its streams. */
const PAST = 20;
/** It reads on for as long as it stays. */
const STREAM = 10;
/** What agents are asked for. */
const AGENTS = 5;
/** Output by the megabyte. */
const LINES = 50;
const FEW_LINES = 1_000;
/** An append, and all that follows from it. */
const CHANGE = 5;
/** So many items of a list cost as much as a thing that is read by itself. */
const ITEMS = 5;
const DEFAULT_LIMIT = 50;
const MOST = 500;

/** What reads the whole log, or much of it. */
const WHOLE: Readonly<Record<string, number>> = { '/v1/audit/verify': 200, '/v1/audit/export': 100, '/v1/events': 100, '/v1/audit/diff': 2 * PAST };
/** By the last part of a path: what is put together of many streams, or asked of the agents. */
const GATHERED: Readonly<Record<string, number>> = { explain: 5, quota: AGENTS, metrics: AGENTS, preview: 15 };
/** Lists of which each item is folded by itself as of an instant. */
const EACH_PAST: ReadonlySet<string> = new Set(['/v1/docker-services', '/v1/jobs']);

/** How much a request costs; the read of one thing is 1, some 1.5 ms of a gateway, and the others are what they were measured to be beside it, rounded. Told by what is
 *  asked for, not by what is found: it has to be known before anything is done. */
export function costOf(asked: Asked): number {
  const { method, route = '', query } = asked;
  const last = lastOf(route);
  const known = WHOLE[route] ?? (last === 'logs' ? linesOf(query) : GATHERED[last]);
  if (method !== 'GET' && method !== 'HEAD') return Math.max(CHANGE, known ?? 0);
  if (isStream(asked)) return Math.max(STREAM, known ?? 0);
  const items = known === undefined && (route === '/v1/audit' || /^[a-z-]+s$/.test(last)) ? itemsOf(query['limit']) : 0;
  const past = query['at'] === undefined ? 0 : PAST * (EACH_PAST.has(route) ? items : 1);
  // Of each entry of the audit it is found out what it changed.
  return Math.max(1, known ?? 0, past, Math.ceil(items / ITEMS) * (route === '/v1/audit' ? 2 : 1));
}

const lastOf = (route: string): string => route.slice(route.lastIndexOf('/') + 1);

/** What of its cost is under way for as long as the request is: a stream has cost the most when it has caught up, and waits from then on. */
export const heldOf = (asked: Asked, cost: number): number => (isStream(asked) ? Math.min(cost, STREAM) : cost);

/** Whatever else a client says that it would take as one: it isn't. */
const STREAMED: ReadonlySet<string> = new Set(['events', 'logs', ':deployment_id']);

const isStream = ({ method, route = '', query, accept = '' }: Asked): boolean =>
  method === 'GET' && STREAMED.has(lastOf(route)) && (route === '/v1/events' || accept.includes('text/event-stream') || query['follow'] === 'true' || query['format'] === 'sse');

/** Without a number of lines an instant says how many. */
function linesOf({ tail, since, until }: Asked['query']): number {
  const isMuch = tail === undefined ? since !== undefined || until !== undefined : !(Number(tail) <= FEW_LINES);
  return isMuch ? LINES : AGENTS;
}

/** What is no number of items is refused later. */
function itemsOf(limit: unknown = DEFAULT_LIMIT): number {
  const items = Number(limit);
  return Number.isInteger(items) ? Math.min(Math.max(items, 1), MOST) : DEFAULT_LIMIT;
}
