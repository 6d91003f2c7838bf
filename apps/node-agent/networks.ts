import type { Assignment } from '#contracts';
import { EngineError, joinPlansOf, networkPlansOf, type ContainerRuntime } from '#docker';

/** The engine has something else at a network's subnet: another one is allotted then. */
export class SubnetTaken extends EngineError {
  constructor(
    readonly subnet: string,
    cause: EngineError,
  ) {
    super('subnet_taken', true, cause.message, { cause });
  }
}

/** The networks of the containers on a node: made before whatever is in them, and joined before it starts. */
export class Networks {
  constructor(private readonly options: { readonly runtime: ContainerRuntime; readonly host: { readonly installation: string } }) {}

  /** Every network of a container is there. Repeating it changes nothing. @throws EngineError, `SubnetTaken` */
  async ensure(assignment: Assignment): Promise<void> {
    const { runtime, host } = this.options;
    for (const plan of networkPlansOf(assignment, host.installation)) {
      await runtime.ensureNetwork(plan).catch((error: unknown) => {
        throw error instanceof EngineError && error.code === 'subnet_taken' ? new SubnetTaken(plan.subnet, error) : error;
      });
    }
  }

  /** A container that was made is in all of its networks: also where the agent, or the engine, was cut off between two of them, or somebody took it
   *  out of one. @throws EngineError, `SubnetTaken` */
  async join(assignment: Assignment, containerId: string): Promise<void> {
    const { runtime, host } = this.options;
    const joins = joinPlansOf(assignment, host.installation);
    if (joins.length === 0) return;
    await this.ensure(assignment);
    await runtime.joinNetworks(containerId, joins);
  }
}
