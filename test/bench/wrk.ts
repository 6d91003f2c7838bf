import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One request, sent again and again. */
export interface Request {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Load {
  /** Answers per second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** So many wait for an answer each at any time. */
export const CLIENTS = 32;

/** Asks as fast as it is answered, from one thread in C: a client in Node would cost more than what it measures.
 *  @throws Error when any answer was an error, or none came. */
export async function load(request: Request, seconds: number): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  try {
    const script = join(folder, 'request.lua');
    await writeFile(script, scriptOf(request));
    const { stdout } = await run('wrk', ['--threads', '1', '--connections', String(CLIENTS), '--duration', `${seconds}s`, '--timeout', '20s', '--script', script, request.url]);
    const found = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { answers: number; failed: number; micros: number; p50: number; p99: number };
    if (found.failed > 0 || found.answers === 0) throw new Error(`${request.method} ${request.url}: ${found.failed} of ${found.answers} answers were errors`);
    return { rate: (found.answers / found.micros) * 1e6, p50Ms: found.p50 / 1000, p99Ms: found.p99 / 1000 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** https://github.com/wg/wrk/blob/master/SCRIPTING; a JSON string is a Lua string as long as it is of plain ASCII. */
const scriptOf = ({ method, headers, body }: Request): string => `
wrk.method = ${JSON.stringify(method)}
${Object.entries(headers).map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`).join('\n')}
${body === undefined ? '' : `wrk.body = ${JSON.stringify(body)}`}
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"answers":%d,"failed":%d,"micros":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration, latency:percentile(50), latency:percentile(99)))
end
`;
