/** One thing that is wrong with a request: `pointer` is an RFC 6901 JSON pointer into the body, or `?name` for a query parameter. */
export interface FieldError {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** The request can't be taken as it is. Lists everything that is wrong at once. HTTP 422. */
export class InvalidRequest extends Error {
  constructor(
    readonly errors: readonly FieldError[],
    /** Stable; `request.invalid` unless one rule of its own was broken. */
    readonly code: string = 'request.invalid',
  ) {
    super(errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '));
  }
}
