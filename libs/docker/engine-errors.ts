import { EngineError } from './runtime.ts';

type Code = EngineError['code'];

/** Sorts what the engine, or the way to it, threw. The engine tells its errors apart by status and by words only, so the
 *  words are matched here and nowhere else; each row of the table is a message that some engine has sent. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const message = messageOf(error);
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status !== 'number' && isUnreachable(error, message)) return new EngineError('engine_unreachable', true, message, { cause: error });
  for (const [words, code, transient] of BY_WORDS) if (words.test(message)) return new EngineError(code, transient, message, { cause: error });
  if (status === 404) return new EngineError('not_found', true, message, { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500 && status !== 409) return new EngineError('invalid_config', false, message, { cause: error });
  return new EngineError('engine_failed', true, message, { cause: error });
}

/** First match wins. `true`: trying again may help. */
const BY_WORDS: readonly (readonly [RegExp, Code, boolean])[] = [
  [/port is already allocated|address already in use|failed to bind (host )?port/i, 'host_port_taken', true],
  [/pool overlaps|conflicts with network|overlaps with (other|existing)/i, 'subnet_taken', true],
  // The agent has put it down, and the engine is on a host where it isn't.
  [/bind source path does not exist/i, 'value_refused', false],
  // A network in use, answered with the status of what is forbidden.
  [/has active endpoints/i, 'engine_failed', true],
  // Its containerd has a process for it, begun before the engine was killed, and the engine knows nothing of that (20.10; 23 clears it away itself).
  [/\btask [0-9a-f]{64}: already exists/i, 'start_lost', false],
  // The same, where that process can't be cleared away since it runs.
  [/^id already in use$/i, 'start_lost', false],
  // Its removal was begun and the engine killed in the middle of that: all that is left to do with it is to remove it.
  [/is marked for removal and cannot be started/i, 'start_lost', false],
  // Removed between the look and the use: look again, and pull.
  [/no such image/i, 'image_not_found', true],
  [/no matching manifest for|image operating system .* cannot be used|does not match the (specified|detected) (host )?platform/i, 'image_architecture', false],
  [/toomanyrequests|rate limit/i, 'registry_unreachable', true],
  [/manifest unknown|manifest for .* not found|name unknown|repository .* not found|: not found$/i, 'image_not_found', false],
  // Docker Hub says the same of an image that isn't there and of one that is private.
  [/pull access denied|unauthorized|authentication required|no basic auth credentials|denied: /i, 'image_pull_denied', false],
  [/dial tcp|no such host|i\/o timeout|tls: |x509: |client\.timeout|server misbehaving|temporary failure|deadline exceeded|unexpected http status: 5|http: server gave http response|connection (refused|reset)|\bEOF\b/i, 'registry_unreachable', true],
];

const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'EACCES', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE']);

function isUnreachable(error: unknown, message: string): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return (typeof code === 'string' && UNREACHABLE.has(code)) || name === 'AbortError' || name === 'TimeoutError' || /socket hang up|aborted/.test(message);
}

/** The engine's own words, without the client's wrapping around them. */
function messageOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: unknown }; message?: unknown };
  const words = typeof json?.message === 'string' ? json.message : typeof message === 'string' ? message : String(error);
  return words.trim();
}
