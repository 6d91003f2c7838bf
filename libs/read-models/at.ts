import { reaches, type TenantContext } from '#contracts';
import { readRelated, readWhole, upTo, type EventSource } from './related.ts';
import { foldDocument } from './view.ts';
import { nodes, type NodeDocument } from './views/nodes.ts';
import { answerService, type ServiceAnswer } from './views/service-queries.ts';
import { services, type ServiceDocument } from './views/services.ts';

/** A service as Waybill knew it at an instant (RFC 3339), its nodes too; null where it wasn't yet, or isn't within reach.
 *  Nodes that were known to be unreachable then are silent; what was heard between events isn't recorded. */
export async function getServiceAt(source: EventSource, tenant: TenantContext, id: string, instant: string): Promise<ServiceAnswer | null> {
  const service = foldDocument<ServiceDocument>(services, upTo(await readRelated(source, id), instant), id);
  if (!service || !reaches(tenant, service.project_id)) return null;
  const known = await nodesAt(source, service, instant);
  const liveness = { silent: (nodeId: string) => known.get(nodeId)?.reachable === false, lastHeardAt: () => null };
  return answerService(service, { liveness }, known);
}

async function nodesAt(source: EventSource, service: ServiceDocument, instant: string): Promise<ReadonlyMap<string, NodeDocument>> {
  const ids = [...new Set(Object.values(service.members).flatMap(({ node_id }) => node_id ?? []))];
  const found = await Promise.all(ids.map(async (id) => foldDocument<NodeDocument>(nodes, upTo(await readWhole(source, 'node', id), instant), id)));
  return new Map(found.flatMap((node) => (node ? [[node.id, node] as const] : [])));
}
