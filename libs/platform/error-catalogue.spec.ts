import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalogue } from './error-catalogue.ts';
import { problemOf } from './http-errors.ts';
import { Rejection, type RejectionKind } from '#domain';

const root = join(import.meta.dirname, '../..');
const CODE = /'([a-z_]+\.[a-z_]+)'/g;

interface Found {
  readonly code: string;
  readonly kind: RejectionKind | null;
  readonly file: string;
}

/** Sources that may answer a request with a code. */
function sources(): { file: string; text: string }[] {
  return ['libs', 'apps'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !/^(testing|platform)\//.test(file))
      .map((file) => ({ file: join(folder, file), text: readFileSync(join(root, folder, file), 'utf8') })),
  );
}

/** Codes as they stand in constructors and in the gateway's own table; where a constructor gets its code from a variable,
 *  every literal of the file that looks like a code. */
function codesIn({ file, text }: { file: string; text: string }): Found[] {
  const rejections = [...text.matchAll(/new Rejection\(\s*(?:'([a-z_]+)'|\w+),\s*('[^']+')?/g)];
  const others = [
    ...text.matchAll(/new (?:Transient|Terminal)\(\s*'([^']+)'/g),
    ...text.matchAll(/new InvalidRequest\(.*, '([^']+)'\)/g),
    ...text.matchAll(/code: string = '([^']+)'/g),
    ...(file.startsWith('apps/api-gateway/edge/') ? [...text.matchAll(/problem\(\d+, '([^']+)'/g), ...text.matchAll(/\bcode: '([a-z_]+\.[a-z_]+)'/g)] : []),
  ];
  const indirect = rejections.some(([, , code]) => code === undefined) ? [...text.matchAll(CODE)] : [];
  return [
    ...rejections.flatMap(([, kind, code]) => (code ? [{ code: code.slice(1, -1), kind: (kind as RejectionKind | undefined) ?? null, file }] : [])),
    ...[...others, ...indirect].map(([, code]) => ({ code: code!, kind: null, file })),
  ];
}

describe('the catalogue of errors', () => {
  const found = sources().flatMap(codesIn);

  it('finds codes in the sources at all', () => {
    expect(new Set(found.map(({ code }) => code)).size).toBeGreaterThan(40);
  });

  it('has every code that a source can answer with', () => {
    expect(found.filter(({ code }) => !(code in errorCatalogue))).toEqual([]);
  });

  it('says the status that the code is answered with', () => {
    const wrong = found.filter(({ code, kind }) => kind !== null && errorCatalogue[code]?.status !== problemOf(new Rejection(kind, code, '')).status);
    expect(wrong).toEqual([]);
  });

  it('names a cause and a way out for each', () => {
    for (const { cause, wayOut } of Object.values(errorCatalogue)) {
      expect(cause).toMatch(/^[A-Z].*\.$/);
      expect(wayOut).toMatch(/^[A-Z].*[.}]$/);
    }
  });
});
