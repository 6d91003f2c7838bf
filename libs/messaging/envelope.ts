import { Transient } from '#contracts';

/** What Nest's NATS transport sends and expects, so that its controllers and `Bus.subscribe` handlers can stand in for
 *  each other at both ends (`@nestjs/microservices`, `server-nats.js`, `incoming-*.deserializer.js`): a request is
 *  `{pattern, data, id}`, an event the same without `id`, an answer `{response, isDisposed, id}` or `{err, isDisposed, id}`. */
export function encodeMessage(subject: string, payload: unknown, id?: string): string {
  return JSON.stringify({ pattern: subject, data: payload ?? null, id });
}

/** The payload of a message, and the id that its answer has to carry. What comes without an envelope is the payload itself.
 *  @throws SyntaxError when it isn't JSON. */
export function decodeMessage(text: string): { payload: unknown; id?: string } {
  const message: unknown = text === '' ? null : JSON.parse(text);
  if (!isObject(message) || !('pattern' in message) || !('data' in message)) return { payload: message };
  return typeof message.id === 'string' ? { payload: message.data, id: message.id } : { payload: message.data };
}

/** A handler's result, as an answer. */
export const encodeAnswer = (response: unknown, id?: string): string => JSON.stringify({ response: response ?? null, isDisposed: true, id });

/** A handler's failure, as an answer: its code and message only, never its stack. */
export function encodeFailure(error: unknown, id?: string): string {
  const code = isObject(error) && typeof error.code === 'string' ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  return JSON.stringify({ err: { status: 'error', code, message }, isDisposed: true, id });
}

/** The result in an answer; plain JSON is the result itself.
 *  @throws Transient `bus.remote_error` when the handler failed. */
export function decodeAnswer(subject: string, text: string): unknown {
  const answer: unknown = text === '' ? null : JSON.parse(text);
  if (!isObject(answer) || !isEnvelope(answer)) return answer;
  if (answer.err !== undefined && answer.err !== null) {
    throw new Transient('bus.remote_error', `${subject} was answered with an error: ${describe(answer.err)}`, { cause: answer.err });
  }
  return answer.response ?? null;
}

/** The keys of Nest's answers; a foreign object has others. */
const ANSWER_KEYS: ReadonlySet<string> = new Set(['id', 'err', 'response', 'isDisposed', 'status']);

function isEnvelope(answer: Record<string, unknown>): boolean {
  const keys = Object.keys(answer);
  return (keys.includes('isDisposed') || keys.includes('err')) && keys.every((key) => ANSWER_KEYS.has(key));
}

function describe(error: unknown): string {
  if (isObject(error) && typeof error.message === 'string') return error.message;
  return typeof error === 'string' ? error : JSON.stringify(error);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
