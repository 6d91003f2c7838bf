import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { registry } from '#domain';

/** One section a stream category: every event with its meaning, schema version and data, as declared in the domain. */
export function eventCatalogue(): string {
  const declared = declarations();
  const sections = Map.groupBy(Object.entries(registry), ([, { category }]) => category);
  const lines = [
    '# Catalogue of events',
    '',
    'Generated from `libs/domain/registry.ts` and the event types beside it by `npm run docs`; do not edit.',
    '',
    'Beside its data every event carries: `commandId`, `correlationId`, `causationId`, `actor`, `originId`, `tenantId`, `at`, `schema`.',
  ];
  for (const [category, events] of [...sections].sort(([a], [b]) => a.localeCompare(b))) {
    lines.push('', `## ${category}`, '', '| event | v | meaning | data |', '| --- | --- | --- | --- |');
    for (const [type, { schema, meaning }] of events) {
      const data = declared.get(type);
      if (!data) throw new Error(`${type} is in the registry, but declared in no events.ts`);
      lines.push(`| \`${type}\` | ${schema} | ${meaning} | \`${data.replaceAll('|', '\\|')}\` |`);
    }
  }
  lines.push('', '## Shapes', '', 'What the data above is made of.', '', '```ts', ...shapes(), '```');
  return `${lines.join('\n')}\n`;
}

/** The types that stand beside the events, as declared. */
function shapes(): string[] {
  const declaration = /^export (?:interface \w+ \{[^]*?^\}|type \w+ = .*;)$/gm;
  return eventSources().flatMap((source) => [...source.matchAll(declaration)].map(([text]) => text.replace(/^export /, '').replaceAll('readonly ', '')));
}

/** Event type → its data as TypeScript says it, on one line. */
function declarations(): Map<string, string> {
  const found = new Map<string, string>();
  for (const source of eventSources()) {
    for (const match of source.matchAll(/type: '(\w+)';\s*data:\s*/g)) {
      const text = balanced(source, match.index + match[0].length);
      found.set(match[1] as string, text.replace(/\/\*\*.*?\*\//gs, '').replace(/\s+/g, ' ').replaceAll('readonly ', '').trim());
    }
  }
  return found;
}

function eventSources(): string[] {
  const domain = join(import.meta.dirname, '../libs/domain');
  const files = readdirSync(domain).map((folder) => join(domain, folder, 'events.ts'));
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
}

/** From `start` to the end of the type: the brace that closes the member, or the `;` before it. */
function balanced(source: string, start: number): string {
  let depth = 0;
  for (let at = start; at < source.length; at += 1) {
    const letter = source[at];
    if (letter === '{') depth += 1;
    if (letter === '}' && --depth < 0) return source.slice(start, at).replace(/;\s*$/, '');
  }
  throw new Error('a type has no end');
}
