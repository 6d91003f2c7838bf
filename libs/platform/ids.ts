import { hash } from 'node:crypto';
import { parse, v4, v5 } from 'uuid';
import type { Id, JobId, Owner, ReplicaId } from '#domain';

/** Namespace of derived command ids. Never change it: a retry after an upgrade must name the same command. */
const COMMAND_NAMESPACE = parse('3f0d5c4e-8a52-5b8e-9a7c-0c4a1d9e6b21');

/** RFC 4648, lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The id of a new thing: a command that is retried names the same things again.
 *  @param kind what is made (`docker_service`, `deployment`), @param index which of them, from 0. */
export function deriveId<Prefix extends string>(prefix: Prefix, commandId: string, kind: string, index: number): Id<Prefix> {
  return `${prefix}_${digest([commandId, kind, String(index)])}`;
}

/** The id of the replica in a slot's generation: whoever plans it gives it the same name.
 *  @param orderedAt milliseconds since the epoch. A log that was put back orders the same generation once more, and maybe of another release:
 *  that is another replica, and nothing that an agent says of the first may be taken for the second's. Left out: an attempt of a job, which is the
 *  same whenever it is ordered, and must not run twice. */
export function replicaIdOf(owner: Owner, slot: number, generation: number, orderedAt?: number): ReplicaId {
  return `rep_${digest([owner.type, owner.id, String(slot), String(generation), ...(orderedAt === undefined ? [] : [String(orderedAt)])])}`;
}

/** The id of the job that is a deployment's hook: whoever comes to create it gives it the same name. */
export const hookJobIdOf = (deploymentId: string, which: 'pre_deploy' | 'post_deploy'): JobId => deriveId('job', deploymentId, which, 0);

/** A command id (UUIDv5) that follows from what is to be done, so that doing it again is the same command:
 *  `commandIdOf('settle', replicaId, String(attempt))`. */
export const commandIdOf = (...parts: string[]): string => v5(Buffer.from(parts.join('|')), COMMAND_NAMESPACE);

/** The id of a command that nobody will retry by name. */
export const randomCommandId = (): string => v4();

/** First `length` characters of the base32 form of SHA-256 over the parts, joined by `|`; 26 of them are 130 bits. */
export function digest(parts: readonly string[], length = 26): string {
  const bytes = hash('sha256', parts.join('|'), 'buffer');
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
  }
  return text.slice(0, length);
}
