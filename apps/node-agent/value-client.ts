import { questionOf, subjects, Terminal, Transient, type Bus, type ValueReply, type ValueRequest } from '#contracts';
import { EngineError } from '#docker';
import type { ConfigId, ReplicaId, SecretId, Sensitive } from '#domain';
import { open } from '#secrets';
import type { Identity } from './identity.ts';

const REQUEST_MS = 5_000;
const NONCE_BYTES = 16;

/** Asks a scheduler for what a replica is to be given. What comes is sealed to this node, opened here, and kept nowhere by this. */
export class ValueClient {
  constructor(private readonly options: { readonly bus: Bus; readonly identity: Identity; readonly entropy: (bytes: number) => Uint8Array }) {}

  /** @param version null: the latest. @throws EngineError `value_unavailable` (nobody answers, or not now), `value_refused` (it is gone, or not ours). */
  async fetch(replicaId: ReplicaId, id: SecretId | ConfigId, version: number | null): Promise<Sensitive<Buffer>> {
    const { bus, identity, entropy } = this.options;
    const { nodeId, seed } = identity;
    const request: ValueRequest = { nodeId, replicaId, id, version, nonce: Buffer.from(entropy(NONCE_BYTES)).toString('hex') };
    try {
      const reply = await bus.request<ValueReply>(subjects.value(nodeId), request, REQUEST_MS);
      if ('refused' in reply) throw refusedBy(id, reply.refused);
      return open(reply.sealed, seed.reveal(), questionOf(request));
    } catch (error) {
      if (!(error instanceof Transient || error instanceof Terminal)) throw error;
      throw new EngineError('value_unavailable', true, `${id} could not be had: ${error.message}`, { cause: error });
    }
  }
}

const refusedBy = (id: string, { code, message, transient }: Extract<ValueReply, { refused: object }>['refused']): EngineError =>
  new EngineError(transient ? 'value_unavailable' : 'value_refused', transient, `${id} is not given (${code}): ${message}`);
