import type { DeploySettings } from '../docker-service/deploy-settings.ts';
import type { Reason } from '../kernel/reason.ts';
import { hostPortKeys } from '../node/room.ts';
import { boundsOf } from '../rollout/bounds.ts';
import type { NodeForPlacement } from './candidate.ts';
import { couldEverFit, type Demand } from './could-ever-fit.ts';

/** Why a roll of a service with host ports can't have the surge that was asked for: a host port is published once on a node, so each
 *  replica above the wanted number needs a node of its own. null where it can: without host ports, without a surge, and where nothing is
 *  known of any node. Code `surge_does_not_fit`; the message names the nodes and the way out.
 *  @param demand with `owner` the service, where it exists already: its own ports don't stand in its way */
export function surgeRefusal(deploy: Pick<DeploySettings, 'strategy' | 'maxSurge' | 'maxUnavailable'>, replicas: number, demand: Demand, nodes: readonly NodeForPlacement[]): Reason | null {
  if (!hostPortKeys(demand.ports).length || replicas === 0) return null;
  const { surge } = boundsOf(deploy, replicas, true);
  if (surge === 0) return null;
  const fit = couldEverFit(demand, nodes, replicas + surge);
  if (fit.fits) return null;
  const fitting = fit.nodes.filter(({ fits }) => fits).map(({ name }) => name);
  const where = fitting.length ? `${fitting.length} ${fitting.length === 1 ? 'node fits' : 'nodes fit'} (${fitting.join(', ')})` : 'no node fits';
  const way = 'set max_surge to 0 and max_unavailable to 1 or more, or give up the host port';
  return { code: 'surge_does_not_fit', message: `a host port is published once on a node: ${replicas} replicas and a surge of ${surge} need ${replicas + surge} nodes, ${where}; ${way}` };
}
