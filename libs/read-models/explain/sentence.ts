import type { EventType, NodeId, Reason, ReplicaId } from '#domain';
import type { Of } from '../view.ts';

/** What happened, and why, for people. */
export interface Sentence {
  readonly what: string;
  readonly why: string;
}

/** How a sentence names things: `slot 2 (generation 1)`, `host-3`. */
export interface Names {
  replica(id: ReplicaId): string;
  node(id: NodeId): string;
}

/** One sentence for each of these types of event. */
export type Sentences<Type extends EventType> = { readonly [T in Type]: (event: Of<T>, names: Names) => Sentence };

/** Why somebody's request was carried out. */
export const ASKED = 'it was asked for';

/** What a name, or room alone (the name is empty then), had been reserved for, and that will never be there. */
export const neverWritten = (what: string) => ({ data: { name = '', reason } }: { readonly data: { readonly name?: string; readonly reason?: Reason } }): Sentence => ({
  what: name === '' ? 'the room that was reserved for it was given back' : `the name ${name} was given back`,
  why: `the ${what} itself was never written${reason ? `: ${reason.message}` : ''}`,
});

/** `1 replica`, `3 replicas` */
export const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

/** A reason, with the exit code where it doesn't tell that itself. */
export function because(reason: Reason | null, exitCode: number | null, oomKilled: boolean): string {
  const code = exitCode === null ? null : `exit code ${exitCode}${oomKilled ? ', out of memory' : ''}`;
  if (reason) return code && !reason.message.includes('exit') ? `${reason.message} (${code})` : reason.message;
  return code ?? 'its agent saw it so';
}
