import type { NetworkEvent, NetworkId, NetworkPoolEvent, ProjectEvent, ProjectId } from '#domain';

/** Which networks have a subnet, as the log was heard, and whose they are: an environment's own has one before it is written. */
export class KnownSubnets {
  readonly #projects = new Map<NetworkId, ProjectId>();
  /** Own networks of environments that stand. */
  readonly #due = new Set<NetworkId>();
  readonly #allotted = new Set<NetworkId>();

  /** Folds one event of the log in. */
  take({ type, data }: ProjectEvent | NetworkEvent | NetworkPoolEvent): void {
    if (type === 'EnvironmentCreated' || type === 'NetworkCreated') this.#projects.set(data.networkId, data.projectId);
    if (type === 'EnvironmentCreated') this.#due.add(data.networkId);
    if (type === 'EnvironmentDeleted') this.#due.delete(data.networkId);
    if (type === 'SubnetAllotted') this.#allotted.add(data.networkId);
    if (type === 'SubnetBarred' || type === 'SubnetFreed') this.#allotted.delete(data.networkId);
  }

  /** Networks of this project that have a subnet though nobody will write them any more, unless a process that stood still is just about to, or that are over. */
  *strays(projectId: ProjectId, stands: (networkId: NetworkId) => boolean): Iterable<NetworkId> {
    for (const networkId of this.#allotted) if (!this.#due.has(networkId) && !stands(networkId) && this.#projects.get(networkId) === projectId) yield networkId;
  }
}
