import { errorCatalogue as catalogue } from '#platform';

/** Every stable code that an answer or a reason may carry, with its way out. */
export function errorCatalogue(): string {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([code, { status, cause, wayOut }]) => `| \`${code}\` | ${status} | ${cause} | ${wayOut} |`);
  return [
    '# Errors',
    '',
    'Generated from `libs/platform/error-catalogue.ts` by `npm run docs`; do not edit.',
    '',
    'Every error is `application/problem+json` (RFC 9457) with a stable `code`; a wrong field stands in `errors[].pointer`.',
    '',
    '| code | status | cause | way out |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
