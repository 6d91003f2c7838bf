import { errors } from '@nats-io/transport-node';
import { Transient } from '#contracts';

/** What went wrong with a request, as trouble that passes; whether it was carried out is unknown except where nobody was there. */
export function asTransient(subject: string, timeoutMs: number, error: unknown): Error {
  if (error instanceof Transient) return error;
  const options = { cause: error };
  if (hasNoResponder(error)) return new Transient('bus.no_responder', `nobody answers ${subject}`, options);
  if (hasTimedOut(error)) return new Transient('bus.timeout', `${subject} wasn't answered within ${timeoutMs} ms`, options);
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError || error instanceof errors.ConnectionError) {
    return new Transient('bus.disconnected', `${subject}: no connection to the bus`, options);
  }
  if (error instanceof SyntaxError) return new Transient('bus.remote_error', `${subject} was answered with something that isn't JSON`, options);
  return error instanceof Error ? error : new Error(String(error));
}

const hasNoResponder = (error: unknown): boolean =>
  error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders());

const hasTimedOut = (error: unknown): boolean =>
  error instanceof errors.TimeoutError || (error instanceof errors.RequestError && error.cause instanceof errors.TimeoutError);
