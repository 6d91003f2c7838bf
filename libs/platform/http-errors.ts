import { Terminal, Transient } from '#contracts';
import { Rejection, type RejectionKind } from '#domain';

/** One wrong field: an RFC 6901 pointer into the body, which rule it breaks, and what would be right. */
export interface ProblemField {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** RFC 9457, as `application/problem+json`. `code` is stable, see `error-catalogue.ts`; `facts` is what the rule looked at. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly ProblemField[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The one table from kinds of rejection to HTTP. */
const STATUS: Readonly<Record<RejectionKind, number>> = { invalid: 422, not_found: 404, conflict: 409, forbidden: 403, quota_exceeded: 409 };

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request can’t be read',
  401: 'Who is asking?',
  403: 'Not allowed',
  404: 'Not found',
  409: 'The present state forbids it',
  412: 'It was changed meanwhile',
  413: 'Too large',
  415: 'Not JSON',
  422: 'The request is invalid',
  429: 'Too many requests',
  500: 'A fault in Waybill',
  503: 'Try again',
};

/** The answer to an error of this house. What isn't one is a bug: 500, and nothing of it is told. Edges that know errors of
 *  their own (of a store, of a framework) look at those first and say them with `problem`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Rejection) return ofRejection(error);
  if (error instanceof Transient) return problem(503, error.code, error.message);
  if (error instanceof Terminal) return problem(error.blame === 'user' ? 422 : 500, error.code, error.message);
  return problem(500, 'internal', 'something went wrong here; the log says what');
}

/** A problem by its parts; empty `errors` and `facts` are left out. */
export function problem(status: number, code: string, detail: string, more: Pick<Problem, 'errors' | 'facts'> = {}): Problem {
  const { errors = [], facts = {} } = more;
  return {
    type: `urn:waybill:error:${code}`,
    title: TITLES[status] ?? 'The request failed',
    status,
    detail,
    code,
    ...(errors.length > 0 ? { errors } : {}),
    ...(Object.keys(facts).length > 0 ? { facts } : {}),
  };
}

function ofRejection({ kind, code, detail, facts }: Rejection): Problem {
  const { violations, pointer, ...rest } = facts;
  const pointed = typeof pointer === 'string' ? [{ pointer, code, detail }] : [];
  const errors = Array.isArray(violations) ? violations.map(fieldOf) : pointed;
  return problem(STATUS[kind], code, detail, { errors, facts: snakeCased(rest) as Record<string, unknown> });
}

/** A domain's `Violation`. */
const fieldOf = (violation: { pointer: string; code: string; message: string }): ProblemField => ({
  pointer: violation.pointer,
  code: violation.code,
  detail: violation.message,
});

/** Facts in the API's spelling; bigints as text. */
function snakeCased(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snakeCased(item)]));
}
