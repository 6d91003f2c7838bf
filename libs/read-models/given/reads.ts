import type { Clock, Logger, Random, TenantContext } from '#contracts';
import type { EventStore, Recorded } from '#event-store';
import { foldBatch } from '../fold-batch.ts';
import type { Liveness, Reads } from '../reads.ts';
import { openSqliteReadModels } from '../sqlite.ts';
import { prepareBuild } from '../versions.ts';
import { everyView } from '../views.ts';

/** Who may see everything: for specs. */
export const OPERATOR: TenantContext = { principal: { type: 'token', id: 'tok_operator' }, projects: 'all', role: 'operator' };

/** Who may see these projects only: for specs. */
export const memberOf = (...projects: `prj_${string}`[]): TenantContext => ({ principal: { type: 'user', id: 'usr_1' }, projects, role: 'viewer' });

/** All nodes heard, unless told otherwise. */
export const heard = (silent: readonly string[] = []): Liveness => ({ silent: (id) => silent.includes(id), lastHeardAt: () => null });

/** Every view folded from these events, in a store of its own: for specs of queries. The caller closes the store. */
export async function readsOf(events: readonly Recorded[], parts: { clock: Clock; random: Random; logger: Logger }, liveness: Liveness = heard()): Promise<Reads> {
  const models = await openSqliteReadModels({ file: ':memory:', ...parts });
  for (const view of everyView) {
    const ref = await prepareBuild(models, view.schema, 1);
    await models.activate(ref.view, 1);
    const own = events.filter(({ stream }) => view.prefixes?.some((prefix) => stream.startsWith(prefix)) ?? true);
    const last = own.at(-1);
    if (last) await models.apply(ref, null, last.position, await foldBatch(models, ref, view, own));
  }
  return { models, liveness };
}

/** Appends told events to a store, each to its stream, in their order: for specs of what follows a log. */
export async function appendAll(store: EventStore, events: readonly Recorded[]): Promise<void> {
  for (const { stream, id, type, data, metadata } of events) await store.append(stream, 'any', [{ id, type, data, metadata }]);
}
