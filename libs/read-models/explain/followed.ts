import { followedBy, streamOf, type ContainerSpec, type StreamCategory } from '#domain';
import type { Recorded } from '#event-store';
import type { Of } from '../view.ts';

/** A version of a secret or config, or a way in which a resource is reached, that a release follows. */
export interface Followed {
  readonly id: string;
  readonly version: number;
}

/** What a release that the platform cut by itself follows and the one before it did not: what it was cut for. Empty for any other event.
 *  @param before the release before it; undefined where it isn't known */
export function newlyFollowed(event: Recorded, before: Recorded | undefined): readonly Followed[] {
  if (event.type !== 'ReleaseCut' || event.metadata.actor.type !== 'system') return [];
  const had = before ? followedIn((before as Of<'ReleaseCut'>).data.spec) : new Map<string, number>();
  return [...followedIn((event as Of<'ReleaseCut'>).data.spec)].filter(([id, version]) => had.get(id) !== version).map(([id, version]) => ({ id, version }));
}

/** Where its event stands: such a stream holds one event for each version, from the first on; null for a first version, for which nothing was cut. */
export function eventOf({ id, version }: Followed): { readonly stream: string; readonly revision: number } | null {
  const category = CATEGORIES[id.slice(0, id.indexOf('_'))];
  return category && version > 1 ? { stream: streamOf(category, id), revision: version - 1 } : null;
}

const CATEGORIES: Readonly<Record<string, StreamCategory>> = { sec: 'secret', cfg: 'config', res: 'resource' };

const followedIn = (spec: ContainerSpec): ReadonlyMap<string, number> =>
  new Map<string, number>([
    ...[...followedBy(spec)].flatMap(([id, version]) => (version === null ? [] : [[id, version] as const])),
    ...(spec.dependencies ?? []).flatMap(({ resourceId, target }) => (resourceId && target ? [[resourceId, target.version] as const] : [])),
  ]);
