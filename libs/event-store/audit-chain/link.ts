import { hash } from 'node:crypto';
import { PLATFORM } from '#domain';
import type { Position, Raw } from '../port.ts';

/** Where a chain stands: nothing that it has come over can be changed, left out or moved without another hash. */
export interface ChainTip {
  readonly events: number;
  /** Null before the first event. */
  readonly position: Position | null;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** Heads stand in streams of their own, which no chain comes over. */
export const CHAIN_STREAMS = 'audit_chain-';

/** A chain before its first event. It names the store and itself, so that no chain can be shown in place of another. */
export const chainBegin = (storeId: string, chain: string): ChainTip => ({ events: 0, position: null, hash: sha256(framed(['waybill audit chain 1', storeId, chain])) });

/** The chain with one event more: SHA-256 over the hash before it and all that the store holds of the event. */
export function linked(tip: ChainTip, { position, stream, revision, id, type, data, metadata }: Raw): ChainTip {
  return { events: tip.events + 1, position, hash: sha256(framed([tip.hash, position, stream, String(revision), id, type, data, metadata])) };
}

/** The chain that an event belongs to: its tenant's, as its metadata says; what belongs to no project, and what can't be read, is the
 *  platform's. @returns `readable` false where data or metadata is no JSON: no part of Waybill can have written it so. */
export function chainOf({ data, metadata }: Pick<Raw, 'data' | 'metadata'>): { readonly chain: string; readonly readable: boolean } {
  const beside = parsed(metadata) as { tenantId?: unknown } | undefined;
  const tenant = typeof beside?.tenantId === 'string' ? beside.tenantId : null;
  return { chain: tenant?.startsWith('prj_') ? tenant : PLATFORM, readable: tenant !== null && parsed(data) !== undefined };
}

/** Each part behind its length in four bytes: no two lists of parts are the same bytes. */
function framed(parts: readonly (string | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  const whole = Buffer.allocUnsafe(bytes.reduce((length, part) => length + 4 + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    at = whole.writeUInt32BE(part.length, at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sha256 = (bytes: Buffer): string => hash('sha256', bytes, 'hex');

/** An event's data and metadata are objects. */
function parsed(json: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
