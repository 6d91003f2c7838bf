import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostPort } from './config.ts';

/** `detail` is one sentence for people: what is there, or what is missing. */
export interface CheckResult {
  readonly ok: boolean;
  readonly detail: string;
}

/** Looks at one thing that an app needs. One that throws counts as not ok. */
export type Check = () => CheckResult | Promise<CheckResult>;

/** Runs every check. `ready` when all are ok (and when there are none). Never throws. */
export async function readiness(checks: Readonly<Record<string, Check>>): Promise<{ ready: boolean; checks: Record<string, CheckResult> }> {
  const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await run(check)] as const));
  return { ready: results.every(([, result]) => result.ok), checks: Object.fromEntries(results) };
}

/** Serves `/healthz` (200 while the process answers at all) and `/readyz` (200 or 503, with each check's result) for an
 *  app without REST. @returns the address that it got, and a function that ends it.
 *  @throws the listen error (`EADDRINUSE`) as Node gives it. */
export async function startHealthServer(options: {
  listen: HostPort;
  checks: Readonly<Record<string, Check>>;
}): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return answer(response, 200, { ok: true });
    if (path !== '/readyz') return answer(response, 404, { ok: false, detail: 'only /healthz and /readyz are here' });
    void readiness(options.checks).then(({ ready, checks }) => answer(response, ready ? 200 : 503, checks));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host;
  return {
    url: `http://${host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function run(check: Check): Promise<CheckResult> {
  try {
    return await check();
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
