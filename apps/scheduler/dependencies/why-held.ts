import { dockerService, isGone, replica as replicaRules, streamOf, WAITING, type Awaited, type PresentReplica, type Reason } from '#domain';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** Looks whether the services that a replica waits for are well: each has a replica that runs, and is healthy where it has a check, on a node that is heard. */
export class WhyHeld {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates'>,
    private readonly index: LogIndex,
  ) {}

  /** What it waits for, in a sentence; null where it may go. A replica that was claimed before waits no more. */
  async of({ waitsFor = [], attempts }: Pick<PresentReplica, 'waitsFor' | 'attempts'>): Promise<Reason | null> {
    if (waitsFor.length === 0 || attempts > 0) return null;
    const pending = await Promise.all(waitsFor.map(async (awaited) => ((await this.#isWell(awaited)) ? [] : [await this.#sentence(awaited)])));
    const words = pending.flat();
    return words.length === 0 ? null : { code: WAITING, message: `waiting for dependency ${words.join(', and ')}` };
  }

  async #isWell({ dockerServiceId }: Awaited): Promise<boolean> {
    const { aggregates } = this.ports;
    const placed = this.index.replicasOf(dockerServiceId).filter(({ phase, gone, nodeId }) => phase === 'placed' && !gone && this.#isHeard(nodeId));
    for (const { replicaId } of placed) {
      const { state } = await aggregates.load(replicaRules, streamOf('replica', replicaId));
      if (state.status !== 'present' || isGone(state) || !state.last) continue;
      const { state: at, health } = state.last;
      if ((at === 'RUNNING' || at === 'SETTLED') && (health === 'healthy' || health === 'unknown')) return true;
    }
    return false;
  }

  #isHeard(nodeId: string | null): boolean {
    const node = nodeId && this.index.nodes.get(nodeId as `node_${string}`);
    return !!node && node.status === 'registered' && node.reachable;
  }

  /** No figures: the same wait is said once. */
  async #sentence({ dockerServiceId, name }: Awaited): Promise<string> {
    const { state } = await this.ports.aggregates.load(dockerService, streamOf('docker_service', dockerServiceId));
    const which = state.status === 'present' && state.name !== name ? `${name} (${state.name}, ${dockerServiceId})` : `${name} (${dockerServiceId})`;
    if (state.status !== 'present' || state.lifecycle === 'DELETING' || state.lifecycle === 'DELETED') return `${which}, which is deleted`;
    if (state.lifecycle === 'PAUSED') return `${which}, which is ${state.paused === 'held' ? 'paused' : 'stopped'}`;
    if (state.replicas === 0) return `${which}, which is scaled to 0`;
    return `${which}: none of its replicas is healthy yet`;
  }
}
