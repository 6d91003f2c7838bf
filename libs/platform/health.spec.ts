import { readiness, startHealthServer } from './health.ts';

const ok = () => ({ ok: true, detail: 'there' });

describe('health', () => {
  it('is ready when every check is ok, and when there is none', async () => {
    expect(await readiness({})).toEqual({ ready: true, checks: {} });
    expect(await readiness({ bus: ok })).toEqual({ ready: true, checks: { bus: { ok: true, detail: 'there' } } });
  });

  it('takes a check that throws as not ok', async () => {
    const checks = { bus: ok, store: () => Promise.reject(new Error('the disk is gone')) };
    expect(await readiness(checks)).toEqual({ ready: false, checks: { bus: { ok: true, detail: 'there' }, store: { ok: false, detail: 'the disk is gone' } } });
  });

  it('serves /healthz and /readyz, and nothing else', async () => {
    let connected = false;
    const server = await startHealthServer({ listen: { host: '127.0.0.1', port: 0 }, checks: { bus: () => ({ ok: connected, detail: connected ? 'connected' : 'not connected' }) } });
    try {
      const get = (path: string) => fetch(server.url + path).then(async (answer) => ({ status: answer.status, body: (await answer.json()) as unknown }));
      expect(await get('/healthz')).toEqual({ status: 200, body: { ok: true } });
      expect(await get('/readyz')).toEqual({ status: 503, body: { bus: { ok: false, detail: 'not connected' } } });
      connected = true;
      expect(await get('/readyz?verbose')).toEqual({ status: 200, body: { bus: { ok: true, detail: 'connected' } } });
      expect((await get('/metrics')).status).toBe(404);
    } finally {
      await server.close();
    }
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('says so when its port is taken', async () => {
    const first = await startHealthServer({ listen: { host: '127.0.0.1', port: 0 }, checks: {} });
    await expect(startHealthServer({ listen: { host: '127.0.0.1', port: first.port }, checks: {} })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
  });
});
