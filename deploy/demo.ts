import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './processes.ts';

const run = promisify(execFile);
/** Serves one page on port 8080. */
export const DEMO_IMAGE = 'waybill/demo:1';

/** Makes the demo's image, deploys it as the service `demo` in the default environment, and waits until it serves.
 *  A second start finds it there. @returns its URL. @throws Error with the service's own reason when it doesn't come up. */
export async function deployDemo(api: string, token: string, say: (line: string) => void): Promise<string> {
  const call = client(api, token);
  await makeDemoImage();
  const environment = (await call('GET', '/v1/environments?name=default')).items[0];
  let service = (await call('GET', `/v1/docker-services?environment_id=${environment.environment_id}&name=demo`)).items[0];
  if (!service) {
    say('deploying the demo service');
    service = await call('POST', '/v1/docker-services', {
      environment_id: environment.environment_id,
      name: 'demo',
      image: DEMO_IMAGE,
      pull_policy: 'never',
      ports: [{ container_port: 8080, host_port: await freeHostPort(8088) }],
    });
  }
  await until('the demo is not RUNNING', 120_000, async () => {
    service = await call('GET', `/v1/docker-services/${service.docker_service_id}`);
    return service.status === 'RUNNING' || service.status === 'FAILED';
  }).catch((error: Error) => {
    throw new Error(`${error.message}; it says: ${service.status_reason?.message ?? service.status}`);
  });
  if (service.status === 'FAILED') throw new Error(`the demo failed: ${service.status_reason?.message}; start with --no-demo, then DELETE it`);
  const url = `http://${service.endpoints.published[0]}/`;
  await until(`${url} does not answer`, 20_000, async () => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok);
  return url;
}

/** Builds it, without any registry, on the engine that DOCKER_HOST names. Built again, it is found in the engine's cache. */
export async function makeDemoImage(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'waybill-demo-'));
  try {
    await cp(join(import.meta.dirname, 'demo'), context, { recursive: true });
    await copyFile('/bin/busybox', join(context, 'busybox'));
    await run('docker', ['build', '--quiet', '--tag', DEMO_IMAGE, context], { env: { ...environment, DOCKER_BUILDKIT: '0' } });
  } finally {
    await rm(context, { recursive: true });
  }
}

/** The first port from `first` on that nothing on this host listens at. */
async function freeHostPort(first: number): Promise<number> {
  const { createServer } = await import('node:net');
  for (let port = first; port < first + 100; port += 1) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port between ${first} and ${first + 99} for the demo; start with --no-demo`);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are read as documents, as any REST client would
type Answer = any;

function client(api: string, token: string): (method: string, path: string, body?: object) => Promise<Answer> {
  return async (method, path, body) => {
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(10_000),
    });
    const document: Answer = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${document.code}: ${document.detail}`);
    return document;
  };
}
