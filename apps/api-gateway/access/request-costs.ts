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
/** An append, and all that follows from it. */
const CHANGE = 5;
/** So many items of a list cost as much as a thing that is read by itself. */
const ITEMS = 5;
const DEFAULT_LIMIT = 50;
const MOST = 500;

/** What reads the whole log, or much of it. */
const WHOLE: Readonly<Record<string, number>> = { '/v1/audit/verify': 200, '/v1/audit/export': 100, '/v1/events': 100, '/v1/audit/diff': 2 * PAST };
/** By the last part of a path: what is put together of many streams, or asked of the agents. */
const GATHERED: Readonly<Record<string, number>> = { explain: 5, quota: 5, metrics: 5, logs: 5, preview: 15 };
/** Lists of which each item is folded by itself as of an instant. */
const EACH_PAST: ReadonlySet<string> = new Set(['/v1/docker-services', '/v1/jobs']);

/** How much a request costs; the read of one thing is 1, some 1.5 ms of a gateway, and the others are what they were measured to be beside it, rounded. Told by what is
 *  asked for, not by what is found: it has to be known before anything is done. */
export function costOf({ method, route = '', query, accept = '' }: Asked): number {
  const last = route.slice(route.lastIndexOf('/') + 1);
  const known = WHOLE[route] ?? GATHERED[last];
  if (method !== 'GET' && method !== 'HEAD') return Math.max(CHANGE, known ?? 0);
  if (accept.includes('text/event-stream') || query['follow'] === 'true') return Math.max(STREAM, known ?? 0);
  if (known !== undefined) return known;
  const items = route === '/v1/audit' || /^[a-z-]+s$/.test(last) ? itemsOf(query['limit']) : 0;
  if (query['at'] !== undefined) return EACH_PAST.has(route) ? PAST * items : PAST;
  // Of each entry of the audit it is found out what it changed.
  return Math.max(1, Math.ceil(items / ITEMS) * (route === '/v1/audit' ? 2 : 1));
}

/** What is no number of items is refused later. */
function itemsOf(limit: unknown = DEFAULT_LIMIT): number {
  const items = Number(limit);
  return Number.isInteger(items) ? Math.min(Math.max(items, 1), MOST) : DEFAULT_LIMIT;
}
