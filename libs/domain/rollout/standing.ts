import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import type { Ordered, Orders } from '../docker-service/orders.ts';
import { isEnded, unseen, type ObservedReplica } from './observed.ts';

/** An order beside what was seen of it. */
export interface Standing {
  readonly order: Ordered;
  readonly seen: ObservedReplica;
  /** Its release has a health check: it serves only while that says so. */
  readonly checked: boolean;
}

/** Every order that stands, beside what was seen of it. */
export function standingOf({ releases }: Pick<ExistingDockerService, 'releases'>, orders: Orders, observed: readonly ObservedReplica[]): readonly Standing[] {
  const seen = new Map(observed.map((each) => [each.order.replicaId, each]));
  return [...orders.replicas.values()].map((order) => ({
    order,
    seen: seen.get(order.replicaId) ?? unseen(order),
    checked: releases.get(order.release)?.healthcheck != null,
  }));
}

/** A container of it is there or may come, whether it is wanted or not. */
export const isLive = ({ seen }: Standing): boolean => !isEnded(seen);

/** It is to stay, and a container of it is there or may come. */
export const isWanted = (standing: Standing): boolean => isLive(standing) && !standing.order.stopped;

/** Its check, where it has one, says that it is well. */
const isWell = ({ seen, checked }: Standing): boolean => !checked || seen.health === 'healthy';

/** It serves, as far as anybody knows. One that has failed once serves only when it has stayed up; one that isn't heard from doesn't. */
export const isAvailable = (standing: Standing): boolean => {
  const { seen } = standing;
  const isUp = seen.state === 'SETTLED' || (seen.state === 'RUNNING' && !seen.everFailed);
  return isUp && !seen.nodeUnreachable && isWell(standing);
};

/** It has stayed up, and well, for `minHealthyMs`: success is proven, never assumed. */
export const isSettled = (standing: Standing): boolean => standing.seen.settled && !standing.seen.nodeUnreachable && isWell(standing);

/** It is as far as it has to be: settled, or done. */
export const isThere = (standing: Standing): boolean => isSettled(standing) || standing.seen.finished !== null;

/** The replicas that may run at the same time: one that waits for another's end runs in its place. */
export function countLive(standing: readonly Standing[]): number {
  const live = new Set(standing.filter(isLive).map(({ order }) => order.replicaId));
  return standing.filter((each) => isLive(each) && !each.seen.final && !(each.order.replaces && live.has(each.order.replaces))).length;
}
