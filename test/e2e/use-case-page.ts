import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** One ```sh block of a page, with the ```json block right behind it. */
export interface Block {
  readonly sh: string;
  /** Absent where no ```json follows. */
  readonly json?: unknown;
}

/** The blocks of a page in their order; fences of any other language are prose.
 *  @throws Error for a ```json that follows no ```sh, or isn't JSON. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let awaitsJson = false;
  for (const [, language, text = ''] of markdown.matchAll(/^```(sh|json)\n([^]*?)^```$/gm)) {
    if (language === 'json' && !awaitsJson) throw new Error(`a json block must follow a sh block:\n${text}`);
    if (language === 'sh') blocks.push({ sh: text });
    else blocks.push({ sh: blocks.pop()!.sh, json: JSON.parse(text) });
    awaitsJson = language === 'sh';
  }
  return blocks;
}

/** Between what two blocks printed: the record separator, which no JSON holds unescaped. */
const SEPARATOR = '\x1e';

/** What a page's blocks came to. */
export interface PageRun {
  /** What each of them printed. */
  readonly outputs: readonly string[];
  /** Every answer but to reads that went well, a line each, among whatever else was complained of: a page throws many answers away. */
  readonly answers: string;
}

/** Has curl say, on the side, what it was answered. */
const NOTING_ANSWERS = `curl() { command curl --write-out '%{stderr}%{http_code} %{method} %{url}\n' "$@"; }`;
const READ_WELL = /^2\d\d GET .*\n/gm;

/** Runs all blocks in one bash, as somebody would paste them, but stops at the first command that fails.
 *  @throws Error with the block and its output where one exits non-zero or the whole isn't through in time. */
export async function runBlocks(blocks: readonly Block[], environment: NodeJS.ProcessEnv, deadlineMs: number): Promise<PageRun> {
  const script = ['set -euo pipefail', NOTING_ANSWERS, ...blocks.map(({ sh }) => `${sh}printf '\\036'`)].join('\n');
  // A group of its own, so that a deadline ends its curl, too.
  const bash = spawn('bash', ['--noprofile', '--norc', '-c', script], { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let printed = '';
  let complaints = '';
  bash.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  bash.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    process.kill(-bash.pid!, 'SIGKILL');
  }, deadlineMs);
  const [code] = (await once(bash, 'close')) as [number | null];
  clearTimeout(timer);
  const outputs = printed.split(SEPARATOR);
  const answers = complaints.replaceAll(READ_WELL, '');
  if (code === 0) return { outputs: outputs.slice(0, -1), answers };
  const why = isLate ? `not through within ${deadlineMs} ms` : `exit ${code}`;
  throw new Error(`${why}:\n${blocks[outputs.length - 1]?.sh ?? ''}printed: ${outputs.at(-1)}\n${answers}`);
}

/** Where a value isn't what a page shows of it. An object may have more fields than are shown, a list may not; a shown text that
 *  ends in … stands for any text that begins so. @returns JSON pointers with both sides, none where it matches. */
export function differences(shown: unknown, found: unknown, at = ''): string[] {
  if (Array.isArray(shown)) {
    if (!Array.isArray(found) || found.length !== shown.length) return [difference(shown, found, at)];
    return shown.flatMap((item, index) => differences(item, found[index], `${at}/${index}`));
  }
  if (shown !== null && typeof shown === 'object') {
    if (found === null || typeof found !== 'object') return [difference(shown, found, at)];
    return Object.entries(shown).flatMap(([key, value]) => differences(value, (found as Record<string, unknown>)[key], `${at}/${key}`));
  }
  const isLike = typeof shown === 'string' && shown.endsWith('…') && typeof found === 'string' && found.startsWith(shown.slice(0, -1));
  return isLike || Object.is(shown, found) ? [] : [difference(shown, found, at)];
}

const difference = (shown: unknown, found: unknown, at: string): string => `${at || '/'}: shown ${JSON.stringify(shown)}, found ${JSON.stringify(found)}`;
