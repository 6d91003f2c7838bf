import { changeDockerService, dispatcherOn, followCommandId, targetsNow, valuesBehind, type Dispatcher } from '#application';
import { dockerService, Rejection, streamOf, targetsBehind, workingRelease, type DockerServiceId, type ExistingDockerService, type Targets, type Versions } from '#domain';
import { deriveId } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** What a service is to get. */
interface News {
  readonly versions: Versions;
  readonly targets: Targets;
}

/** Rolls a service to the latest versions of the secrets and configs that it follows, and to where the resources are that it uses, once for each version: where
 *  that deployment failed and went back, the next one is somebody's decision. A service that is paused or stopped gets them when it is active again. */
export class FollowVersions {
  private readonly dispatcher: Dispatcher;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
  ) {
    this.dispatcher = dispatcherOn(ports.aggregates);
  }

  /** One look at a service. Repeating it changes nothing; two schedulers at once roll it once. */
  async reconcile(dockerServiceId: DockerServiceId): Promise<void> {
    const { aggregates } = this.ports;
    const stream = streamOf('docker_service', dockerServiceId);
    const { state: service } = await aggregates.load(dockerService, stream);
    if (service.status !== 'present' || service.lifecycle !== 'ACTIVE') return;
    const spec = service.releases.get(workingRelease(service))!;
    for (const { followedId, version } of await valuesBehind(aggregates, service)) await this.roll(service, followedId, String(version), { versions: { [followedId]: version }, targets: {} });
    for (const [id, target] of Object.entries(targetsBehind(spec, await targetsNow(aggregates, spec)))) {
      // From the release that lacks it: what is behind a resource may move back and forth, and each of that is another way.
      await this.roll(service, id, [workingRelease(service), target.version, target.port, ...target.networks.map(({ networkId }) => networkId)].join(' '), { versions: {}, targets: { [id]: target } });
    }
  }

  /** The version names the command: it is carried out once, whatever came of it. */
  private async roll({ dockerServiceId, projectId }: ExistingDockerService, id: string, version: string, news: News): Promise<void> {
    const { aggregates, clock, logger } = this.ports;
    const commandId = followCommandId(dockerServiceId, id, version);
    const command = { type: 'FollowVersions', data: { deploymentId: deriveId('dep', commandId, 'deployment', 0), ...news } } as const;
    const metadata = causedBy(this.index.causeOf(id) ?? this.index.causeOf(dockerServiceId), commandId, projectId, clock.now());
    try {
      const { repeated, events } = await changeDockerService({ dispatcher: this.dispatcher, aggregates }, { dockerServiceId, ifMatch: undefined, from: async () => command }, metadata);
      if (!repeated && events.length > 0) logger.info('a service follows a new version', { docker_service_id: dockerServiceId, followed_id: id, version });
    } catch (error) {
      // Paused meanwhile, or there is no room in the quota, which its explanation says: it is looked at again when it is active, and from time to time.
      if (!(error instanceof Rejection)) throw error;
      logger[error.kind === 'quota_exceeded' ? 'warn' : 'debug']('a service does not follow now', { docker_service_id: dockerServiceId, followed_id: id, error });
    }
  }
}
