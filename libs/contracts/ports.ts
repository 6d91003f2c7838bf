/** Time, passed in everywhere: the real one lives in `platform`, a virtual one in `testing`. Milliseconds. */
export interface Clock {
  /** Wall time since the epoch. */
  now(): number;
  /** Never goes back; for durations only. */
  monotonic(): number;
  /** Calls back once after `ms`; the returned function cancels. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): () => void;
  /** Resolves after `ms`, or at once when aborted: look at the signal afterwards. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** Constant lower-case message, everything that varies in `fields`. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Passing trouble: nothing is known to be wrong with the request; try again with backoff. */
export class Transient extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Will never work by trying again; recorded, with who has to act. */
export class Terminal extends Error {
  constructor(
    readonly code: string,
    readonly blame: 'user' | 'system',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
