import { ErrorType, isCommandError, type WrongExpectedVersionError } from '@eventstore/db-client';
import { OutcomeUnknown, Unavailable } from './port.ts';

/** What the server, or the way to it, made of a call. */
export type Failure =
  /** Another member takes it; the client has noted which, and the next call goes there. */
  | 'not-leader'
  /** For certain nothing was done. */
  | 'not-done'
  /** It may have been done, or be done later. */
  | 'unknown'
  /** Nothing was done and trying again doesn't help. */
  | 'final';

/** @param error what a call of the client ended with */
export function failureOf(error: unknown): Failure {
  const type = typeOf(error);
  if (type === ErrorType.NOT_LEADER) return 'not-leader';
  if (type === ErrorType.ACCESS_DENIED || neverSent(error)) return 'not-done';
  return FINAL.has(type ?? '') ? 'final' : 'unknown';
}

/** The port's error for an append that ended so; a final one stays what it is. */
export function appendFailure(stream: string, error: unknown): unknown {
  const failure = failureOf(error);
  if (failure === 'final') return error;
  const message = `append to ${stream}: ${messageOf(error)}`;
  return failure === 'unknown' ? new OutcomeUnknown(message, { cause: error }) : new Unavailable(message, { cause: error });
}

/** The port's error for a read that ended so: a read changes nothing, so it is only ever unavailable, or final. */
export function readFailure(error: unknown): unknown {
  if (error instanceof Unavailable || failureOf(error) === 'final' || !isOfTheCall(error)) return error;
  return new Unavailable(messageOf(error), { cause: error });
}

/** The server turned the credentials down; waiting doesn't help. */
export const isAccessDenied = (error: unknown): boolean => typeOf(error) === ErrorType.ACCESS_DENIED;

/** The stream is elsewhere than the append said; `actual` is null where it doesn't exist. Null for any other error. */
export function conflictOf(error: unknown): { readonly actual: bigint | null } | null {
  if (typeOf(error) !== ErrorType.WRONG_EXPECTED_VERSION) return null;
  const { actualVersion } = error as WrongExpectedVersionError;
  return { actual: typeof actualVersion === 'bigint' ? actualVersion : null };
}

export const isStreamNotFound = (error: unknown): boolean => typeOf(error) === ErrorType.STREAM_NOT_FOUND;

const FINAL = new Set<string>([
  ErrorType.INVALID_ARGUMENT,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
  ErrorType.STREAM_DELETED,
]);

/** gRPC says `UNAVAILABLE` both of a request that found no way and of one whose answer was cut off: only the text tells.
 *  An unknown text counts as cut off, which costs no more than one look. */
const NO_WAY = /no connection established|name resolution failed|failed to discover/i;
const NOT_TAKEN = /server is not ready|server is (too )?busy/i;

const neverSent = (error: unknown): boolean => error instanceof Error && (NO_WAY.test(error.message) || NOT_TAKEN.test(error.message));

const typeOf = (error: unknown): string | null => (isCommandError(error as Error) ? (error as { type: string }).type : null);

/** gRPC's own errors carry a numeric code; the client lets some of them through as they are. */
const isOfTheCall = (error: unknown): boolean =>
  isCommandError(error as Error) || typeof (error as { code?: unknown }).code === 'number' || neverSent(error);

/** Without the address: `/readyz` repeats this to everyone. The whole of it is the error's cause. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return NO_WAY.test(message) ? 'the event store can not be reached' : message;
}
