const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `268435456` → `256 MiB`: at most one decimal, for sentences only. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (Math.abs(value) >= 1024 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${STEPS[step]}`;
}

/** `250` → `250 millicores`. */
export const formatCpu = (cpuMillis: number): string => `${cpuMillis} millicores`;

/** An amount of what a node has: thousandths of a core, and bytes of memory. */
export interface Amount {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** What a container is promised (`request`, taken from the node's capacity) and held to (`limit`, counted by quotas). */
export interface Resources {
  readonly request: Amount;
  readonly limit: Amount;
}

export const NOTHING: Amount = { cpuMillis: 0, memoryBytes: 0 };
export const plus = (a: Amount, b: Amount): Amount => ({ cpuMillis: a.cpuMillis + b.cpuMillis, memoryBytes: a.memoryBytes + b.memoryBytes });
export const minus = (a: Amount, b: Amount): Amount => ({ cpuMillis: a.cpuMillis - b.cpuMillis, memoryBytes: a.memoryBytes - b.memoryBytes });
export const larger = (a: Amount, b: Amount): Amount => ({
  cpuMillis: Math.max(a.cpuMillis, b.cpuMillis),
  memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
});
export const fits = (asked: Amount, free: Amount): boolean => asked.cpuMillis <= free.cpuMillis && asked.memoryBytes <= free.memoryBytes;
