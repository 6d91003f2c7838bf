import { dockerService, followedBy, Rejection, rolledVersion, streamOf, workingRelease, type DockerServiceId, type ExistingDockerService } from '#domain';
import { commandIdOf, deriveId } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import { readHeld } from './read-held.ts';

/** Rolls a service to the latest versions of the secrets and configs that it follows, once for each version: where that deployment failed and went
 *  back, the next one is somebody's decision. A service that is paused or stopped gets them when it is active again. */
export class FollowVersions {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at a service. Repeating it changes nothing; two schedulers at once roll it once. */
  async reconcile(dockerServiceId: DockerServiceId): Promise<void> {
    const stream = streamOf('docker_service', dockerServiceId);
    const { state: service } = await this.ports.aggregates.load(dockerService, stream);
    if (service.status !== 'present' || service.lifecycle !== 'ACTIVE') return;
    for (const [id, version] of followedBy(service.releases.get(workingRelease(service))!)) {
      const held = await readHeld(this.ports.aggregates, id);
      const latest = held.status === 'present' ? rolledVersion(held) : 0;
      if (latest > (version ?? 0)) await this.roll(service, id, latest);
    }
  }

  /** The version names the command: it is carried out once, whatever came of it. */
  private async roll({ dockerServiceId, projectId }: ExistingDockerService, id: string, version: number): Promise<void> {
    const { aggregates, clock, logger } = this.ports;
    const commandId = commandIdOf('follow', dockerServiceId, id, String(version));
    const command = { type: 'FollowVersions', data: { deploymentId: deriveId('dep', commandId, 'deployment', 0), versions: { [id]: version } } } as const;
    const metadata = causedBy(this.index.causeOf(id) ?? this.index.causeOf(dockerServiceId), commandId, projectId, clock.now());
    try {
      const { repeated, events } = await aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), command, metadata);
      if (!repeated && events.length > 0) logger.info('a service follows a new version', { docker_service_id: dockerServiceId, value_id: id, version });
    } catch (error) {
      // Paused meanwhile: it is looked at again when it is active.
      if (!(error instanceof Rejection)) throw error;
      logger.debug('a service does not follow now', { docker_service_id: dockerServiceId, value_id: id, error });
    }
  }
}
