import { loadHeld } from '#application';
import { questionOf, Terminal, Transient, type Logger, type ValueRefusal, type ValueReply, type ValueRequest } from '#contracts';
import { dockerService, isUnwritten, job as jobRules, latestVersion, node as nodeRules, passwordsOf, streamOf, type ContainerSpec, type ExistingValue, type NodeId, type Placement } from '#domain';
import type { AggregateStore } from '#event-store';
import { seal, type Vault } from '#secrets';

/** Gives an agent the values that its own replicas are to have, and no others, sealed to the key that it registered with. What it gives stands in no
 *  log and no event; that it was refused does, in the reason of the replica. */
export class HandOver {
  constructor(private readonly ports: { readonly aggregates: AggregateStore; readonly vault: Vault; readonly logger: Logger }) {}

  /** Never throws. @param nodeId whom the subject says it comes from */
  async answer(nodeId: NodeId, request: ValueRequest): Promise<ValueReply> {
    try {
      return await this.#answer(nodeId, request);
    } catch (error) {
      const refused = refusalOf(error);
      this.ports.logger.warn('a value was not handed over', { node_id: nodeId, replica_id: request?.replicaId, value_id: request?.id, code: refused.code, reason: refused.message });
      return { refused };
    }
  }

  async #answer(nodeId: NodeId, request: ValueRequest): Promise<ValueReply> {
    const { aggregates, vault } = this.ports;
    const { replicaId, id, version } = request;
    const { state: node } = await aggregates.load(nodeRules, streamOf('node', nodeId));
    const entry = node.entries.get(replicaId);
    if (request.nodeId !== nodeId || node.status !== 'registered' || node.publicKey === null || !entry || entry.wanted === 'gone') throw refused('value.not_yours', `${nodeId} holds no ${replicaId} that is to run`);
    const spec = await this.#specOf(entry.placement);
    if (!spec || !isGiven(spec, id, version)) throw refused('value.not_yours', `${replicaId} is given no ${version === null ? 'latest' : `version ${version}`} of ${id}`);
    const held = await loadHeld(aggregates, id);
    if (isUnwritten(held) || held.projectId !== entry.placement.projectId) throw refused('value.not_yours', `the project of ${replicaId} has no ${id}`);
    if (held.status === 'deleted') throw deleted(held);
    const number = version ?? latestVersion(held);
    const valueId = held.versions.get(number)?.valueId;
    if (!valueId) throw refused('value.no_version', `${held.name} (${id}) has no version ${number}`);
    const value = await vault.open({ projectId: held.projectId, id, version: number, valueId }).catch(async (error: unknown) => {
      // Its values go right after the word of it: nothing is missing where that has come meanwhile.
      const now = await loadHeld(aggregates, id);
      throw now.status === 'deleted' ? deleted(now) : error;
    });
    return { sealed: seal(value, node.publicKey, questionOf(request)) };
  }

  async #specOf({ owner, release }: Placement): Promise<ContainerSpec | null> {
    const { aggregates } = this.ports;
    if (owner.type === 'job') {
      const { state } = await aggregates.load(jobRules, streamOf('job', owner.id));
      return isUnwritten(state) ? null : state.definition.spec;
    }
    const { state } = await aggregates.load(dockerService, streamOf('docker_service', owner.id));
    return state.status === 'present' && release !== null ? (state.releases.get(release) ?? null) : null;
  }
}

/** Just this version of it, or the latest, as its spec says. */
function isGiven({ secrets = [], configs = [], registryCredentials: credentials, dependencies = [] }: ContainerSpec, id: string, version: number | null): boolean {
  const uses = [...[...secrets, ...passwordsOf(dependencies)].map((use) => [use.secretId, use.version]), ...configs.map((use) => [use.configId, use.version]), ...(credentials ? [[credentials.secretId, credentials.version]] : [])];
  return uses.some(([usedId, usedVersion]) => usedId === id && usedVersion === version);
}

class Refused extends Error {
  constructor(readonly refusal: ValueRefusal) {
    super(refusal.message);
  }
}

const refused = (code: string, message: string): Refused => new Refused({ code, message, transient: false });

const deleted = ({ id, name }: ExistingValue<string>): Refused => refused('value.deleted', `${name} (${id}) was deleted: create another one, and name that where this one is`);

/** What an operator may put right, a key or a store that isn't there, is worth another try. */
function refusalOf(error: unknown): ValueRefusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof Terminal || error instanceof Transient) return { code: error.code, message: error.message, transient: true };
  return { code: 'value.unavailable', message: 'it can’t be read now; the scheduler’s log says why', transient: true };
}
