import { boundsOf, hostPortKeys, takeOver, type Deployment, type DeploySettings, type DockerService, type Ordered, type ReplicaId, type ReplicaOrder } from '#domain';
import { BEGINNING } from '../house/timeline.ts';

type Data<T> = { readonly data: T };

/** Who ordered a replica. */
export interface Origin {
  readonly order: ReplicaOrder;
  readonly dockerServiceId: string;
  /** Null: the service itself, outside any deployment. */
  readonly deploymentId: string | null;
}

/** A scheduler that stood still may write what it has read as long ago as this, in milliseconds. */
const STALE_MS = 180_000;

/** What services were asked for, and what their deployments ordered, over time. */
export class Rolls {
  readonly origins = new Map<ReplicaId, Origin>();
  readonly #settings = new Map<string, DeploySettings>();
  /** When each service was paused last, in virtual time. */
  readonly #paused = new Map<string, number>();
  readonly #wanted = new Map<string, { readonly at: number; readonly replicas: number }[]>();

  /** @param now virtual time: of all that a restored log still has, that of the restoring */
  take(category: string, id: string, { type, data }: { readonly type: string } & Data<never>, now: number): void {
    const given = data as { creates: readonly ReplicaOrder[]; dockerServiceId: string; deploymentId: string; settings: DeploySettings; replicas: number; to: number };
    if (type === 'DockerServiceCreated') this.#wanted.set(id, [{ at: now, replicas: given.replicas }]);
    if (type === 'DockerServiceScaled') this.#wanted.get(id)?.push({ at: now, replicas: given.to });
    if (type === 'DockerServicePaused') this.#paused.set(id, now);
    if (type === 'DeploymentStarted') this.#settings.set(given.deploymentId, given.settings);
    if (type !== 'ServiceStepTaken' && type !== 'DeploymentStepTaken') return;
    const deploymentId = category === 'deployment' ? id : null;
    for (const order of given.creates) this.origins.set(order.replicaId, { order, deploymentId, dockerServiceId: deploymentId ? given.dockerServiceId : id });
  }

  /** The least and the most that somebody who has read the service lately may take for wanted. @param since virtual time */
  wantedSince(dockerServiceId: string, since: number): { readonly least: number; readonly most: number } {
    const history = this.#wanted.get(dockerServiceId) ?? [];
    const last = history.findLastIndex(({ at }) => at <= since - STALE_MS);
    const numbers = history.slice(Math.max(0, last)).map(({ replicas }) => replicas);
    return { least: Math.min(...numbers), most: Math.max(...numbers) };
  }

  /** Who made the room that this replica has: of a row in which each came in the place of the one before, the first. */
  roomOf(replicaId: ReplicaId): Origin | undefined {
    const origin = this.origins.get(replicaId);
    return (origin?.order.replaces && this.roomOf(origin.order.replaces)) || origin;
  }

  /** As the deployment was started with; null: it never was. */
  settingsOf(deploymentId: string): DeploySettings | null {
    return this.#settings.get(deploymentId) ?? null;
  }

  /** Whether its service was paused since this replica was ordered. */
  wasPausedSinceOrdered(replicaId: ReplicaId): boolean {
    const origin = this.origins.get(replicaId);
    const pausedAt = this.#paused.get(origin?.dockerServiceId ?? '');
    return pausedAt !== undefined && pausedAt >= Date.parse(origin!.order.orderedAt ?? '') - BEGINNING;
  }

  /** How many of the service may live, by whoever ordered this replica. */
  most(replicaId: ReplicaId, service: DockerService): number {
    const { order, dockerServiceId, deploymentId } = this.origins.get(replicaId)!;
    const { most } = this.wantedSince(dockerServiceId, Date.parse(order.orderedAt!) - BEGINNING);
    const settings = this.#settings.get(deploymentId ?? '');
    const ports = service.status === 'present' ? (service.releases.get(order.release)?.ports ?? []) : [];
    return settings ? most + boundsOf(settings, most, hostPortKeys(ports).length > 0).surge : most;
  }
}

/** All that stands ordered of a service, by itself and by its deployments. */
export function ordersOf(service: DockerService | undefined, deployments: ReadonlyMap<string, Deployment>): ReadonlyMap<ReplicaId, Ordered> {
  if (service?.status !== 'present') return new Map();
  const open = [...service.superseded, ...(service.activeDeployment ? [service.activeDeployment] : [])];
  return open.reduce((orders, { deploymentId }) => {
    const deployment = deployments.get(deploymentId);
    return deployment?.status === 'opened' ? takeOver(orders, deployment.handOver) : orders;
  }, service.orders).replicas;
}
