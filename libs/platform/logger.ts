import { pino, type DestinationStream } from 'pino';
import type { Logger } from '#contracts';

/** Values under these names never reach a log; their ids (`token_id`) may. */
const SECRET = /^(authorization|cookie|token|password|secret)/i;
const HARMLESS = /(id|ids|name)$/i;

/** How deep a field is followed; what lies below is cut. */
const DEPTH = 6;

/** Structured lines as JSON on stdout: `{level, time, app, msg, …fields}`. An error among the fields is written with its
 *  code, stack and causes, bigints as text, and whatever is named like a secret as `[redacted]`. */
export function createLogger(app: string, options: { level?: string; destination?: DestinationStream } = {}): Logger {
  const lines = pino(
    {
      level: options.level ?? 'info',
      base: { app },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (lines.isLevelEnabled(level)) lines[level](presentable(fields ?? {}) as object, message);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** What may be written of a value: see `createLogger`. */
export function presentable(value: unknown, depth = DEPTH): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (depth === 0) return '[cut]';
  if (value instanceof Error) return presentableError(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  if (Array.isArray(value)) return value.map((item) => presentable(item, depth - 1));
  if (value instanceof Map || value instanceof Set) return presentable([...value], depth);
  return presentableFields(value, depth);
}

function presentableError(error: Error, depth: number): object {
  const { name, message, stack, cause, ...more } = error;
  return {
    type: error.constructor.name || name,
    message,
    ...presentableFields(more, depth),
    stack,
    ...(cause === undefined ? {} : { cause: presentable(cause, depth - 1) }),
  };
}

function presentableFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      SECRET.test(key) && !HARMLESS.test(key) ? '[redacted]' : presentable(value, depth - 1),
    ]),
  );
}
