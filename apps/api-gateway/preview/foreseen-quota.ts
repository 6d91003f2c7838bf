import { roomForChange, roomOfCreation, volumeIdOf, type NewVolume } from '#application';
import { project as projectRules, reservedBy, streamOf, volumeRoom, type DockerServiceCommand, type ExistingDockerService, type ProjectId, type Quota, type QuotaAmounts, type RoomHolder } from '#domain';
import type { AggregateStore } from '#event-store';
import { amountsAnswer, limitsAnswer } from '../quotas/quota-answer.ts';

/** A request that has been decided, and what it would make beside the service. */
export interface ToReserve {
  readonly projectId: ProjectId;
  /** Null where it has yet to be made. */
  readonly before: { readonly service: ExistingDockerService; readonly revision: bigint } | null;
  readonly command: DockerServiceCommand;
  readonly volumes: readonly NewVolume[];
  readonly commandId: string;
}

interface QuotaSide {
  readonly reserved: object;
  readonly would_reserve: object;
}

/** What is reserved, and what would be with the request: of the project, and of the service where it has a quota of its own. */
export interface ForeseenQuota {
  readonly project: QuotaSide;
  readonly docker_service: QuotaSide | null;
}

/** Reserves in thought, one after the other, as the request would.
 *  @returns `check` throws the Rejection `quota.exceeded` that the request would be answered by */
export async function foreseenQuota(aggregates: AggregateStore, asked: ToReserve): Promise<{ readonly quota: ForeseenQuota; readonly check: () => void }> {
  const { state: now } = await aggregates.load(projectRules, streamOf('project', asked.projectId));
  let then = now;
  let refusal: unknown = null;
  const rooms = await roomsOf(aggregates, asked);
  for (const room of rooms) {
    const data = { ...room, commandId: asked.commandId };
    try {
      projectRules.decide(then, { type: 'ReserveRoom', data });
    } catch (error) {
      refusal ??= error;
    }
    then = projectRules.evolve(then, { type: 'RoomReserved', data });
  }
  const check = (): void => {
    if (refusal !== null) throw refusal;
  };
  const dockerServiceId = rooms.find(({ countsFor }) => countsFor !== null)?.countsFor ?? asked.before?.service.dockerServiceId ?? null;
  const own = dockerServiceId === null ? undefined : now.quotas.ofServices.get(dockerServiceId);
  return {
    quota: {
      project: side(now.quotas.quota, now.quotas.reserved, then.quotas.reserved),
      docker_service: own && dockerServiceId ? side(own, reservedBy(now.quotas, dockerServiceId), reservedBy(then.quotas, dockerServiceId)) : null,
    },
    check,
  };
}

const side = (quota: Quota, reserved: QuotaAmounts, then: QuotaAmounts): QuotaSide => ({ ...limitsAnswer(quota), reserved: amountsAnswer(reserved), would_reserve: amountsAnswer(then) });

async function roomsOf(aggregates: AggregateStore, { before, command, volumes, commandId }: ToReserve): Promise<readonly RoomHolder[]> {
  const ofVolumes = volumes.map(({ name, sizeBytes, madeFor }): RoomHolder => ({ holder: volumeIdOf(commandId, name), countsFor: madeFor, at: 0, amounts: volumeRoom(sizeBytes) }));
  if (before) {
    const room = await roomForChange(aggregates, { ...before, command });
    return room ? [room, ...ofVolumes] : ofVolumes;
  }
  if (command.type !== 'CreateDockerService') return ofVolumes;
  const { dockerServiceId } = command.data;
  return [{ holder: dockerServiceId, countsFor: dockerServiceId, at: 0, amounts: roomOfCreation(command.data) }, ...ofVolumes];
}
