import { readFileSync, writeFileSync } from 'node:fs';
import { GUARDS } from './guards.ts';
import { runSeeds } from './seeds.ts';

/** With one guard off: the lowest seed at which the simulation fails, and what it finds there. */
export interface Miss {
  readonly guard: keyof typeof GUARDS;
  readonly seed: number;
  /** At which step of the script; as many as there are: at rest. */
  readonly step: number;
  readonly law: string;
}

/** All of the table was found with scripts of so many steps. */
export const TABLE_STEPS = 300;
const SEEDS = 1_000;
const TABLE = new URL('table.json', import.meta.url);
const PAGE = new URL('../../docs/simulation.md', import.meta.url);
const MARKS = ['<!-- table -->\n', '<!-- end of table -->'] as const;

/** The table as it was found last. */
export const readTable = (): Miss[] => JSON.parse(readFileSync(TABLE, 'utf8')) as Miss[];

/** What stands of it in `docs/simulation.md`. */
export const tableInPage = (): string => partsOfPage()[1];

/** Searches anew with each guard off, writes the table and its page. @returns the guards that nobody missed. */
export async function findTable(say: (line: string) => void): Promise<string[]> {
  const table: Miss[] = [];
  const unmissed: string[] = [];
  for (const guard of Object.keys(GUARDS) as (keyof typeof GUARDS)[]) {
    const [first] = await runSeeds({ from: 1, to: SEEDS, steps: TABLE_STEPS, weakness: guard, stopAtFirst: true });
    if (first) table.push({ guard, seed: first.seed, step: first.brokeAt, law: first.breach!.law });
    else unmissed.push(guard);
    say(first ? `without ${guard}: seed ${first.seed}, step ${first.brokeAt}: ${first.breach!.law}: ${first.breach!.what}` : `without ${guard}: not missed in ${SEEDS} seeds`);
  }
  const [before, , after] = partsOfPage();
  writeFileSync(TABLE, `${JSON.stringify(table, null, 2)}\n`);
  writeFileSync(PAGE, before + MARKS[0] + markdownOf(table) + MARKS[1] + after);
  return unmissed;
}

/** As it stands in the page. */
export const markdownOf = (table: readonly Miss[]): string =>
  [
    '| without | which says | fails at seed | at step | as it breaks |',
    '| --- | --- | --- | --- | --- |',
    ...table.map(({ guard, seed, step, law }) => `| \`${guard}\` | ${GUARDS[guard]} | ${seed} | ${step === TABLE_STEPS ? 'at rest' : step} | ${law} |`),
  ].join('\n') + '\n';

function partsOfPage(): [string, string, string] {
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  return [page.slice(0, from), page.slice(from + MARKS[0].length, to), page.slice(to + MARKS[1].length)];
}
