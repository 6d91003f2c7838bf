import type { FastifyReply } from 'fastify';
import type { TenantContext } from '#contracts';
import type { Position } from '#event-store';
import { getDeployment, ownerOf, type DeploymentAnswer } from '#read-models';
import { streamEvents, type ServerEvent } from '../edge/sse.ts';
import type { Gateway } from '../gateway.ts';
import { answerDeployment, DEPLOYMENT_VIEWS, withLastLines } from './answer-deployment.ts';

/** How long the views may take to know what has just been heard of. */
const VIEWS_MS = 5_000;

/** Answers with the whole deployment, again whenever anything of it has changed, and ends with it: a client draws what it got last.
 *  `id:` is a position, and nothing is to be resumed: whoever comes back begins with what stands then.
 *  @throws Rejection `deployment.not_found` */
export async function streamProgress(gateway: Gateway, reply: FastifyReply, tenant: TenantContext, id: string, minPosition?: Position): Promise<void> {
  const { clock, stopping, logger } = gateway.parts;
  const from = knownTo(gateway);
  const first = await answerDeployment(gateway, tenant, id, minPosition);
  const source = (signal: AbortSignal) => states({ gateway, tenant, first, from }, signal);
  await streamEvents(reply, source, { clock, stopping, onBroken: (error) => logger.warn('deployment stream broke off', { deployment_id: id, error }) });
}

interface Watched {
  readonly gateway: Gateway;
  readonly tenant: TenantContext;
  readonly first: DeploymentAnswer;
  /** All up to here is in the first answer. */
  readonly from: Position | null;
}

async function* states({ gateway, tenant, first, from }: Watched, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const { deployment_id: id, docker_service_id: serviceId } = first;
  let last = JSON.stringify(first);
  yield { id: from ?? '', event: 'deployment', data: first };
  if (first.finished_at !== null) return;
  let isOld = false;
  for await (const followed of gateway.parts.store.follow(from, [`docker_service-${serviceId}`, `deployment-${id}`, 'replica-'], signal)) {
    if ('event' in followed) isOld ||= ownerOf(followed.event) === serviceId;
    if (!('caughtUp' in followed) || !isOld || followed.caughtUp === null) continue;
    isOld = false;
    const now = await read(gateway, tenant, id, followed.caughtUp);
    const text = JSON.stringify(now);
    if (now === null || text === last) continue;
    last = text;
    yield { id: followed.caughtUp, event: 'deployment', data: now };
    if (now.finished_at !== null) return;
  }
}

async function read(gateway: Gateway, tenant: TenantContext, id: string, upTo: Position): Promise<DeploymentAnswer | null> {
  const { projections } = gateway.parts;
  await Promise.all(DEPLOYMENT_VIEWS.map((view) => projections.reached(view, upTo, VIEWS_MS)));
  const deployment = await getDeployment(gateway.reads, tenant, id);
  return deployment && withLastLines(gateway, deployment);
}

/** What every view that the answer is made of knows at least. */
function knownTo(gateway: Gateway): Position | null {
  const wanted: ReadonlySet<string> = new Set(DEPLOYMENT_VIEWS);
  const positions = gateway.parts.projections.status().flatMap(({ name, position }) => (wanted.has(name) ? [position] : []));
  return positions.reduce((least, position) => (least === null || position === null ? null : position < least ? position : least));
}
