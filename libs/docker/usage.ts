import type { ContainerUsage } from './runtime.ts';

/** As much of the engine's stats as we look at; the kernel's own names inside `stats`, which differ between cgroups v1 and v2.
 *  https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats */
export interface EngineStats {
  /** The year 1 where the container isn't running; left out where it is just being removed. */
  readonly read?: string;
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

/** Sorts one look at a container; null for one that isn't running. */
export function usageOf(id: string, { read, cpu_stats, memory_stats, networks }: EngineStats): ContainerUsage | null {
  const cpuNanos = cpu_stats?.cpu_usage?.total_usage;
  const memoryBytes = memory_stats?.usage;
  if (read === undefined || read.startsWith('0001-') || cpuNanos === undefined || memoryBytes === undefined) return null;
  // As the kernel's own accounts and `docker stats` have it: inactive file pages are given up before anything is killed.
  const cache = memory_stats?.stats?.['total_inactive_file'] ?? memory_stats?.stats?.['inactive_file'] ?? 0;
  const traffic = Object.values(networks ?? {});
  return {
    id,
    at: read,
    cpuNanos,
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - cache),
    receivedBytes: traffic.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    sentBytes: traffic.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}
