import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eventCatalogue } from './event-catalogue.ts';
import { errorCatalogue } from './error-catalogue.ts';

/** `npm run docs` writes the generated pages; with `--check` it fails where one isn't current. */
const pages = { 'catalogue/events.md': eventCatalogue, 'errors.md': errorCatalogue };

const stale: string[] = [];
for (const [path, page] of Object.entries(pages)) {
  const file = join(import.meta.dirname, path);
  const wanted = page();
  if ((await readFile(file, 'utf8').catch(() => '')) === wanted) continue;
  stale.push(`docs/${path}`);
  if (process.argv.includes('--check')) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, wanted);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`not current: ${stale.join(', ')}. Run: npm run docs`);
  process.exit(1);
}
console.log(stale.length > 0 ? `written: ${stale.join(', ')}` : 'generated pages are current');
