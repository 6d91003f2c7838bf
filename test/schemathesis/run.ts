import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pythonWith, type Program } from '../python-program.ts';

/** What runs it: a Python with the PyPI package `schemathesis`, or why there is none here. */
export const schemathesisProgram = (): Promise<Program> => pythonWith('schemathesis', new URL('requirements.txt', import.meta.url));

/** Ids of things that are there, by the parameter or field that names one. */
export type Ids = Readonly<Record<string, readonly string[]>>;

export interface Asked {
  readonly python: string;
  /** Where it writes down what it did; emptied by whoever made it. */
  readonly folder: string;
  readonly url: string;
  /** null: it asks without one. */
  readonly token: string | null;
  /** Taken for most of what names one. Any text would name nothing, and find nothing. */
  readonly there: Ids;
  /** Taken by what deletes, so that the rest finds what is there. */
  readonly spare: Ids;
  /** So many requests by chance to each operation; those at the bounds of its description come before. */
  readonly examples: number;
  /** Operations whose bodies have thousands of bounds: they are asked by chance only. */
  readonly wide: readonly string[];
  /** What every one is held against. */
  readonly checks: readonly string[];
  readonly phases: string;
}

/** What came of it: everything it found wrong, in its words, with the request that shows it. */
export interface Outcome {
  readonly code: number | null;
  readonly told: string;
  readonly operations: number;
  readonly requests: number;
}

/** Gives a whole run this long: it ends by itself far sooner. */
const DEADLINE_MS = 420_000;

/** Asks every operation of a running API by its own description, the same requests every time.
 *  https://schemathesis.readthedocs.io/en/stable/reference/configuration/ */
export async function schemathesis(asked: Asked): Promise<Outcome> {
  await mkdir(asked.folder, { recursive: true });
  const config = join(asked.folder, 'schemathesis.toml');
  const report = join(asked.folder, 'requests.ndjson');
  await writeFile(config, configOf(asked));
  const args = [
    '--config-file', config, 'run', `${asked.url}/openapi.json`, '--no-color', '--phases', asked.phases, '--checks', asked.checks.join(','),
    '--max-examples', String(asked.examples), '--report', 'ndjson', '--report-ndjson-path', report,
    ...(asked.token === null ? [] : ['--header', `Authorization: Bearer ${asked.token}`]),
  ];
  const { code, told } = await output(asked.python, ['-m', 'schemathesis.cli', ...args], asked.folder);
  const requests = (await readFile(report, 'utf8').catch(() => '')).split('\n').flatMap(requestsIn);
  return { code, told, operations: new Set(requests).size, requests: requests.length };
}

/** Labels of the operations that a line of the report tells requests of. */
function requestsIn(line: string): string[] {
  const { recorder } = (line.startsWith('{"ScenarioFinished"') ? JSON.parse(line).ScenarioFinished : {}) as { recorder?: { label: string; interactions?: object | null } };
  return recorder ? Object.keys(recorder.interactions ?? {}).map(() => recorder.label) : [];
}

/** Its own generator of requests is seeded by each operation itself: nothing of a run before is remembered, and no answer leads it elsewhere. */
function configOf({ there, spare, wide }: Asked): string {
  const dictionaries = [...Object.entries(there).map(([name, ids]) => [`there_${name}`, ids] as const), ...Object.entries(spare).map(([name, ids]) => [`spare_${name}`, ids] as const)];
  const bound = (kind: string, ids: Ids) => Object.keys(ids).flatMap((name) => ['path', 'query', 'body'].map((place) => `"${place}.${name}" = { dictionary = "${kind}_${name}", probability = 0.9 }`));
  return [
    'continue-on-failure = true',
    // Less than between two signs of life of a silent stream.
    'request-timeout = 10.0',
    'max-stream-events = 3',
    'warnings = false',
    '[generation]\ndeterministic = true\nno-shrink = true',
    '[phases.coverage]\nextra-data-sources.responses = false\nunexpected-methods = []',
    '[phases.fuzzing]\nextra-data-sources.responses = false',
    ...dictionaries.map(([name, ids]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(ids)}`),
    // A precondition is looked at before the body is.
    '[checks]\nnegative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 412, 413, 415, 422, 429]',
    // What is followed has no end.
    `[parameters]\n"query.follow" = "false"\n${bound('there', there).join('\n')}`,
    `[[operations]]\ninclude-name = ${JSON.stringify(wide)}\nphases.coverage.enabled = false`,
    `[[operations]]\ninclude-method = "DELETE"\n[operations.parameters]\n${bound('spare', spare).join('\n')}`,
  ].join('\n\n');
}

function output(command: string, args: readonly string[], cwd: string): Promise<{ code: number | null; told: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE_MS, env: { ...process.env, NO_PROXY: '127.0.0.1' } });
    let told = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (told += String(text)));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, told }));
  });
}
