import { parse, v5 } from 'uuid';

/** Never changes: the ids of all events ever written hang on it. */
const NAMESPACE = parse('a3f5b0f4-6d5c-5a55-9b0e-2f9f3f1c7f10');

/** The id of the `index`-th event (from 0) that a command writes to a stream: a UUIDv5, so that a retry of the command names
 *  the same events, and so that another part can compute the id of an event that it only knows the command of. */
export const eventIdOf = (commandId: string, stream: string, index: number): string => v5(Buffer.from(`${commandId}|${stream}|${index}`), NAMESPACE);
