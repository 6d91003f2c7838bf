import type { Clock, Logger, Random, TenantContext } from '#contracts';
import { prefixOf, readConcerned, type PastSource } from './concerned.ts';
import { foldBatch } from './fold-batch.ts';
import type { ReadModelStore } from './port.ts';
import { findEvery, type Reads } from './reads.ts';
import { openSqliteReadModels } from './sqlite.ts';
import { firstBuild, prepareBuild } from './versions.ts';
import type { View } from './view.ts';
import { everyView, views } from './views.ts';
import { getToken } from './views/access.ts';
import { getDeployment } from './views/deployment-queries.ts';
import { getEnvironment } from './views/environments.ts';
import { getConfig, getSecret } from './views/held-values.ts';
import { getJob } from './views/jobs.ts';
import { getNetwork } from './views/networks.ts';
import { getNode, type NodeDocument } from './views/nodes.ts';
import { getPlan } from './views/plans.ts';
import { getProject } from './views/projects.ts';
import { getResource } from './views/resources.ts';
import { getSchedule } from './views/schedules.ts';
import { getService } from './views/service-queries.ts';
import { getUser } from './views/users.ts';
import { getVolume } from './views/volumes.ts';

export interface PastParts extends PastSource {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Answers a query of one thing, or of what belongs to it, from what Waybill knew at an instant (RFC 3339): its part of the log up to there, folded by
 *  the views into a store of its own, which is thrown away after. Nodes that were known to be unreachable then are silent; what was heard
 *  between events isn't recorded. One that lies in the future is now. */
export async function queryAt<T>(parts: PastParts, id: string, instant: string, query: (reads: Reads) => Promise<T>): Promise<T> {
  const events = await readConcerned(parts, id, new Date(instant).toISOString());
  const models = await openSqliteReadModels({ ...parts, file: ':memory:' });
  try {
    for (const view of FOLDED) await fold(models, view, events.filter(({ stream }) => view.prefixes?.some((prefix) => stream.startsWith(prefix)) ?? true));
    return await query({ models, liveness: await livenessIn(models) });
  } finally {
    await models.close();
  }
}

/** The answer to a GET of one thing, by its id (a plan's is its name), as of an instant; null where it wasn't there then, or isn't within reach. */
export async function getOneAt(parts: PastParts, tenant: TenantContext, id: string, instant: string): Promise<object | null> {
  return queryAt(parts, id, instant, (reads) => (GET_ONE.get(prefixOf(id)) ?? getPlan)(reads, tenant, id));
}

type GetOne = (reads: Reads, tenant: TenantContext, id: string) => Promise<object | null>;

const GET_ONE: ReadonlyMap<string, GetOne> = new Map<string, GetOne>([
  ['svc', getService], ['dep', getDeployment], ['job', getJob], ['sch', getSchedule], ['node', getNode], ['prj', getProject], ['env', getEnvironment], ['vol', getVolume],
  ['sec', getSecret], ['cfg', getConfig], ['net', getNetwork], ['res', getResource], ['tok', getToken], ['usr', getUser],
]);

/** Audit is of the log, not of a thing. */
const FOLDED = everyView.filter((view) => view !== (views.audit as unknown as View));

async function fold(models: ReadModelStore, view: View, events: Awaited<ReturnType<typeof readConcerned>>): Promise<void> {
  const ref = await prepareBuild(models, view.schema, firstBuild(view.schema), undefined, false);
  await models.activate(ref.view, ref.version);
  const last = events.at(-1);
  if (last) await models.apply(ref, null, last.position, await foldBatch(models, ref, view, events));
}

async function livenessIn(models: ReadModelStore): Promise<Reads['liveness']> {
  const known = await findEvery<NodeDocument>({ models }, 'nodes', {});
  const unreachable = new Set<string>(known.filter(({ reachable }) => !reachable).map(({ id }) => id));
  return { silent: (id) => unreachable.has(id), lastHeardAt: () => null };
}
