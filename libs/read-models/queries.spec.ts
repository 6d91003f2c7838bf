import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What reads before there is any context, or for nobody in particular: each with why it may. */
const WITHOUT: Readonly<Record<string, string>> = {
  findMemberships: 'makes a context',
};

/** Exported functions of the views by their names, with their parameters as they are written. */
const queries = readdirSync(join(import.meta.dirname, 'views'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .flatMap((file) => [...readFileSync(join(import.meta.dirname, 'views', file), 'utf8').matchAll(/^export (?:async function|const|function) ((?:get|list|find)[A-Z]\w*)(?: =)?(?: async)? ?(?:<[^>]*>)?\(([^]*?)\)(?::|,\n| =>)/gm)])
  .map(([, name, parameters]) => ({ name: name!, parameters: parameters! }));

it('no query of a view can be called without a tenant context', () => {
  expect(queries.length).toBeGreaterThan(20);
  expect(queries.filter(({ name, parameters }) => !(name in WITHOUT) && !parameters.includes('tenant: TenantContext')).map(({ name }) => name)).toEqual([]);
});
