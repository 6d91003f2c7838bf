import { parseStream, type DeploymentOutcome, type OpenedDeployment, type Ordered } from '#domain';
import type { Recorded } from '#event-store';
import { checkOf } from './health-laws.ts';
import type { Ledger } from './ledger.ts';
import type { Truths } from './truths.ts';

/** How deployments may end; `ledger` lacks the event yet. */
export const DEPLOYMENT_LAWS = {
  'a deployment ends with one outcome': ({ type, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'DeploymentEnded') return null;
    const { deploymentId, outcome } = data as { deploymentId: string; outcome: DeploymentOutcome };
    const deployment = ledger.deployments.get(deploymentId);
    const closed = deployment?.status === 'opened' ? deployment.closed : null;
    return closed?.outcome === outcome ? null : `${deploymentId} ended ${outcome}, and was closed ${closed?.outcome ?? 'never'}`;
  },

  'a deployment has succeeded when its replicas have stayed up': ({ type, stream, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    if (type !== 'DeploymentClosed' || (data as { outcome: DeploymentOutcome }).outcome !== 'SUCCEEDED') return null;
    const deployment = ledger.deployments.get(parseStream(stream).id);
    return deployment?.status === 'opened' ? lacking(deployment, ledger, truths, { release: deployment.toRelease, isOwn: true }) : `${stream} was never opened`;
  },

  'a return has come back': ({ type, stream, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    const { outcome } = data as { outcome: DeploymentOutcome };
    if (type !== 'DeploymentClosed' || (outcome !== 'ROLLED_BACK' && outcome !== 'CANCELLED')) return null;
    const deployment = ledger.deployments.get(parseStream(stream).id);
    const service = deployment?.status === 'opened' ? ledger.services.get(deployment.dockerServiceId) : undefined;
    if (deployment?.status !== 'opened' || service?.status !== 'present') return `${stream} is of no service`;
    if (service.stableRelease === null) return outcome === 'ROLLED_BACK' ? `${stream} has nowhere to return to` : null;
    // What was stopped may have been started again by a deployment that waits for this one's end.
    const own = [...service.superseded, service.activeDeployment].find((each) => each?.deploymentId === deployment.deploymentId);
    return own?.cutShort ? null : lacking(deployment, ledger, truths, { release: service.stableRelease, isOwn: false });
  },
};

/** Which slot lacks somebody of this release who has stayed up, or has done its work; null: none does. */
function lacking({ dockerServiceId, deploymentId, orders: own }: OpenedDeployment, ledger: Ledger, truths: Truths, { release, isOwn }: { release: number; isOwn: boolean }): string | null {
  const { least } = ledger.rolls.wantedSince(dockerServiceId, truths.now());
  const standing = [...ledger.ordersOf(dockerServiceId).values()].filter((order) => order.release === release && !order.stopped && (!isOwn || own.replicas.has(order.replicaId)));
  const slots = Array.from({ length: least }, (_, index) => index + 1).filter((slot) => !standing.some((order) => order.slot === slot && hasStayed(order, dockerServiceId, ledger, truths)));
  return slots.length > 0 ? `${deploymentId}: nobody of release ${release} has stayed up in slots ${slots}` : null;
}

function hasStayed({ replicaId }: Ordered, dockerServiceId: string, ledger: Ledger, truths: Truths): boolean {
  const [replica, service] = [ledger.replicas.get(replicaId), ledger.services.get(dockerServiceId)];
  if (replica?.status !== 'present' || service?.status !== 'present') return false;
  const { longestRunMs, longestWellMs, exits } = truths.of(replicaId);
  const stayedMs = checkOf(ledger, replicaId) ? longestWellMs : longestRunMs;
  return stayedMs >= service.deploy.minHealthyMs || (replica.finished !== null && exits.length > 0);
}
