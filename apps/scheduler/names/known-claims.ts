import { claimKey, type DomainEvent, type NameClaim, parseStream } from '#domain';
import type { Recorded } from '#event-store';

/** A unique name that is taken, perhaps for a thing that was never written. */
export interface ClaimEntry {
  readonly holder: string;
  /** Id of the project whose stream it stands in, or `platform`. */
  readonly projectId: string;
  /** What it stands under there. */
  readonly key: string;
}

type Begins = 'DockerServiceCreated' | 'VolumeCreated' | 'NetworkCreated' | 'ProjectCreated' | 'SecretCreated' | 'ConfigCreated' | 'ResourceCreated';
type Ends = 'DockerServiceDeleted' | 'VolumeDeleted' | 'NetworkDeleted' | 'ProjectDeleted' | 'SecretDeleted' | 'ConfigDeleted' | 'ResourceDeleted';

const BEGINS: ReadonlySet<string> = new Set<Begins>(['DockerServiceCreated', 'VolumeCreated', 'NetworkCreated', 'ProjectCreated', 'SecretCreated', 'ConfigCreated', 'ResourceCreated']);
const ENDS: ReadonlySet<string> = new Set<Ends>(['DockerServiceDeleted', 'VolumeDeleted', 'NetworkDeleted', 'ProjectDeleted', 'SecretDeleted', 'ConfigDeleted', 'ResourceDeleted']);

/** Names that are taken, as the log was heard, and which of them nobody is known to bear. */
export class KnownClaims {
  /** By holder. */
  readonly #claims = new Map<string, ClaimEntry>();
  /** Things that were written and aren't over. */
  readonly #bearers = new Set<string>();

  /** Folds one event of the log in. */
  take({ type, data }: DomainEvent, { stream }: Pick<Recorded, 'stream'>): void {
    const { id } = parseStream(stream);
    if (type === 'NameClaimed') this.#claim(id, data as NameClaim);
    if (type === 'NameReleased') this.#claims.delete((data as NameClaim).holder);
    if (BEGINS.has(type)) this.#bearers.add(id);
    if (ENDS.has(type)) this.#bearers.delete(id);
  }

  get(holder: string): ClaimEntry | undefined {
    return this.#claims.get(holder);
  }

  has(holder: string): boolean {
    return this.#claims.has(holder);
  }

  /** It was written, and isn't over. */
  isBorne(holder: string): boolean {
    return this.#bearers.has(holder);
  }

  /** Holders of which nothing was written yet, or whose end is: only their names may have to be given back. Of ten thousand names that are borne none is asked for. */
  *unborne(): Iterable<string> {
    for (const holder of this.#claims.keys()) if (!this.#bearers.has(holder)) yield holder;
  }

  #claim(projectId: string, claim: NameClaim): void {
    this.#claims.set(claim.holder, { holder: claim.holder, projectId, key: claimKey(claim) });
  }
}
