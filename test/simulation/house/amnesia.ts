import type { Bus, ObservationBatch, ObservationReply, Report } from '#contracts';

/** Replicas that their agent has lost track of: it speaks of them no more. No agent of ours does that; what a report says nothing of
 *  has to be made good all the same. */
export class Amnesia {
  readonly forgotten = new Set<string>();

  /** An agent's connection, on which nothing is said of them. */
  bus(bus: Bus): Bus {
    const { forgotten } = this;
    return {
      get connected() {
        return bus.connected;
      },
      publish: (subject, payload) => bus.publish(subject, payload),
      subscribe: (subject, handler, options) => bus.subscribe(subject, handler, options),
      onConnect: (callback) => bus.onConnect(callback),
      request: async <Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply> => {
        if (forgotten.size === 0 || !/\.(observations|report)$/.test(subject)) return bus.request<Reply>(subject, payload, timeoutMs);
        if (subject.endsWith('.report')) {
          const report = payload as Report;
          return bus.request<Reply>(subject, { ...report, replicas: report.replicas.filter(({ replicaId }) => !forgotten.has(replicaId)) }, timeoutMs);
        }
        const batch = payload as ObservationBatch;
        const silent = batch.observations.filter(({ replicaId }) => forgotten.has(replicaId)).map(({ seq }) => seq);
        const said = batch.observations.filter(({ replicaId }) => !forgotten.has(replicaId));
        const { acknowledged } = said.length === 0 ? { acknowledged: [] } : await bus.request<ObservationReply>(subject, { ...batch, observations: said }, timeoutMs);
        return { acknowledged: [...acknowledged, ...silent] } as Reply;
      },
    };
  }
}
