import type { Logger } from '#contracts';
import { containerName, LABELS, type ContainerRuntime, type ContainerState } from '#docker';
import type { ReplicaId } from '#domain';
import type { AppliedSet } from './applied-set.ts';
import type { EngineHost } from './converge.ts';
import type { HostFiles } from './host-files.ts';
import type { Output } from './output.ts';
import type { Memories } from './replica-memory.ts';

/** SIGTERM to SIGKILL where no assignment says it any more. */
const GRACE_MS = 10_000;

/** Takes away what no assignment wants any more: containers, networks and memories. Only what carries the installation's
 *  label and our own name, and only by a set that nobody contradicts. */
export class Cleaner {
  constructor(
    private readonly options: {
      readonly runtime: ContainerRuntime;
      readonly host: EngineHost;
      readonly applied: AppliedSet;
      readonly memories: Memories;
      readonly output: Output;
      readonly files: HostFiles;
      readonly logger: Logger;
    },
  ) {}

  /** The replicas whose containers these are; one that bears our label under another name is left alone. */
  replicasOf(containers: readonly ContainerState[]): ReplicaId[] {
    const { installation } = this.options.host;
    return containers.flatMap(({ name, labels }) => {
      const replicaId = labels[LABELS.replicaId] as ReplicaId | undefined;
      return replicaId && name === containerName(installation, replicaId) ? [replicaId] : [];
    });
  }

  /** Removes the container and the memory of a replica that isn't in the applied set. @returns whether it was allowed to. */
  async removeLeftOver(replicaId: ReplicaId): Promise<boolean> {
    const { runtime, host, applied, memories, output, logger } = this.options;
    if (!applied.mayClean) return false;
    const container = await runtime.inspectContainer(containerName(host.installation, replicaId));
    if (container) {
      logger.info('removing a container that no assignment wants', { replica_id: replicaId, container_id: container.id });
      await runtime.stopContainer(container.id, GRACE_MS);
      await output.drain(replicaId, container.id, memories.get(replicaId)?.run ?? 1);
      await runtime.removeContainer(container.id);
    }
    await this.options.files.remove(replicaId);
    await memories.forget(replicaId);
    return true;
  }

  /** Removes the networks of which no assignment speaks and nobody is in. */
  async removeUnusedNetworks(): Promise<void> {
    const { runtime, applied, memories } = this.options;
    if (!applied.mayClean) return;
    const inUse = (networkId: string): boolean =>
      (applied.entries ?? []).some((entry) => entry.network.networkId === networkId && !(entry.wanted === 'gone' && memories.get(entry.replicaId)?.observed?.state === 'GONE'));
    for (const { name, networkId, containers } of await runtime.listNetworks()) {
      // Asked again for each: a set may have come in the meantime.
      if (containers === 0 && !inUse(networkId)) await runtime.removeNetwork(name);
    }
  }
}
