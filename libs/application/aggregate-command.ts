import { Command as BusCommand } from '@nestjs/cqrs';
import type {
  Command, CommandMetadata, Config, ConfigCommand, DockerService, DockerServiceCommand, Job, JobCommand, Network, NetworkCommand, Node, NodeCommand, Plan, PlanCommand, Project, ProjectCommand, Resource, ResourceCommand, Schedule, ScheduleCommand, Secret, SecretCommand, User, UserCommand, Volume, VolumeCommand,
} from '#domain';
import type { HandleOptions, Handled } from '#event-store';

/** A command on its way to the one aggregate that decides it. The subclass says which kind of aggregate, `id` which one.
 *  `options.ifMatch` is the revision that the client saw. A retry carries the same `metadata.commandId`. */
export abstract class AggregateCommand<C extends Command, State> extends BusCommand<Handled<State>> {
  constructor(
    readonly id: string,
    readonly command: C,
    readonly metadata: CommandMetadata,
    readonly options: HandleOptions = {},
  ) {
    super();
  }
}

export class ToDockerService extends AggregateCommand<DockerServiceCommand, DockerService> {}
/** A project's id, or `platform` for the names of projects. */
export class ToProject extends AggregateCommand<ProjectCommand, Project> {}
export class ToJob extends AggregateCommand<JobCommand, Job> {}
export class ToSchedule extends AggregateCommand<ScheduleCommand, Schedule> {}
export class ToNode extends AggregateCommand<NodeCommand, Node> {}
export class ToNetwork extends AggregateCommand<NetworkCommand, Network> {}
export class ToVolume extends AggregateCommand<VolumeCommand, Volume> {}
export class ToSecret extends AggregateCommand<SecretCommand, Secret> {}
export class ToConfig extends AggregateCommand<ConfigCommand, Config> {}
export class ToResource extends AggregateCommand<ResourceCommand, Resource> {}
export class ToUser extends AggregateCommand<UserCommand, User> {}
/** The id of a plan is its name. */
export class ToPlan extends AggregateCommand<PlanCommand, Plan> {}
