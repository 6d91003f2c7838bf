import { jest } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { Transient } from '#contracts';
import { systemClock } from '#platform';
import type { Gateway } from './gateway.ts';
import { HealthController } from './health.controller.ts';
import type { ProjectionStatus } from './projections/projections.ts';

const away = new Transient('read_models.unavailable', 'MongoDB can’t be reached or is busy: connect ECONNREFUSED');
const view = (name: 'services' | 'audit', status: Partial<ProjectionStatus>): ProjectionStatus => ({
  name, ready: true, caughtUp: true, position: '1', lagMs: 0, degraded: null, rebuilding: false, lastRebuild: null, rebuildFailed: null, ...status,
});

async function readyz(parts: { active?: () => Promise<number>; views?: ProjectionStatus[] }) {
  const gateway = {
    parts: {
      clock: systemClock,
      bus: { connected: true },
      store: { readAll: async () => ({ events: [], next: null }) },
      models: { active: parts.active ?? (async () => 1_000) },
      projections: { status: () => parts.views ?? [view('services', {}), view('audit', {})] },
      identities: { findOrigin: async () => null },
      nodes: { ready: true, present: [] },
      heard: {},
    },
  } as unknown as Gateway;
  const code = jest.fn();
  const checks = (await new HealthController(gateway).readyz({ code } as unknown as FastifyReply)) as Record<string, { ok: boolean; detail: string }>;
  return { status: code.mock.calls[0]![0], checks };
}

describe('/readyz', () => {
  it('is ready when every part answers and every view has caught up', async () => {
    const { status, checks } = await readyz({});
    expect(status).toBe(200);
    expect(checks.read_models).toEqual({ ok: true, detail: 'they can be read' });
    expect(checks.projections).toEqual({ ok: true, detail: 'caught up' });
  });

  it('says which views only need time', async () => {
    const { status, checks } = await readyz({ views: [view('services', {}), view('audit', { ready: false, caughtUp: false })] });
    expect(status).toBe(503);
    expect(checks.projections).toEqual({ ok: false, detail: 'catching up: audit' });
  });

  it('says what is degraded while the store of the read models is away', async () => {
    const { status, checks } = await readyz({ active: () => Promise.reject(away), views: [view('services', { ready: false, degraded: away.message }), view('audit', { ready: false })] });
    expect(status).toBe(503);
    expect(checks.read_models).toEqual({ ok: false, detail: away.message });
    expect(checks.projections).toEqual({ ok: false, detail: `degraded: services (${away.message})` });
    expect(checks.event_store!.ok).toBe(true);
  });
});
