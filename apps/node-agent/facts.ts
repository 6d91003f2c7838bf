import type { EngineInfo } from '#docker';
import type { NodeFacts } from '#domain';
import type { Storage } from './storage.ts';

/** What an operator says of this host. */
export interface NodeSettings {
  readonly name: string;
  /** Where published ports are reached. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In place of what the engine has. */
  readonly capacity: { readonly cpuMillis: number | null; readonly memoryBytes: number | null };
}

/** Left to the system and the engine: a twentieth of the memory, and no less than this. */
const RESERVE_BYTES = 256 * 1024 * 1024;
const RESERVE_SHARE = 0.05;

/** What may be promised on this host, and what it is called. */
export function factsOf(engine: EngineInfo, settings: NodeSettings): NodeFacts {
  const reserve = Math.max(RESERVE_BYTES, Math.ceil(engine.memoryBytes * RESERVE_SHARE));
  return {
    name: settings.name,
    address: settings.address,
    architecture: engine.architecture,
    engineVersion: engine.engineVersion,
    capacity: {
      cpuMillis: settings.capacity.cpuMillis ?? engine.cpus * 1000,
      memoryBytes: settings.capacity.memoryBytes ?? Math.max(0, engine.memoryBytes - reserve),
    },
    labels: settings.labels,
  };
}

/** What data can be kept in on this host. */
export const storageFacts = (storage: Storage, engine: EngineInfo): Pick<NodeFacts, 'backends' | 'hostPaths'> => {
  const { hostPaths } = storage;
  return { backends: storage.backendsWith(engine), ...(hostPaths.length > 0 ? { hostPaths } : {}) };
};

/** Reads `WAYBILL_NODE_CPU_MILLIS` and `WAYBILL_NODE_MEMORY_BYTES`. @throws Error naming the one that is no whole number above 0. */
export function readCapacity(env: Readonly<Record<string, string | undefined>>): NodeSettings['capacity'] {
  const read = (name: string): number | null => {
    const text = env[name];
    if (!text) return null;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value <= 0) throw new Error(`${name} is "${text}": write a whole number above 0`);
    return value;
  };
  return { cpuMillis: read('WAYBILL_NODE_CPU_MILLIS'), memoryBytes: read('WAYBILL_NODE_MEMORY_BYTES') };
}

/** What published ports are bound to: a node that is reached at its loopback address is reached from nowhere else. */
export const publishAddressOf = (nodeAddress: string): string => (nodeAddress.startsWith('127.') ? nodeAddress : '0.0.0.0');
