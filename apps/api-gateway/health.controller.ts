import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { storeReadiness } from '#event-store';
import { readiness, type Check, type CheckResult } from '#platform';
import { Gateway } from './gateway.ts';
import type { ProjectionStatus } from './projections/projections.ts';

/** Nodes get this long after a start to be heard before their silence is believed. */
const FIRST_HEARING_MS = 10_000;

/** For supervisors and load balancers; open to all, says nothing of any tenant. */
@ApiExcludeController()
@Controller()
export class HealthController {
  readonly #startedAt: number;

  constructor(private readonly gateway: Gateway) {
    this.#startedAt = gateway.parts.clock.monotonic();
  }

  /** 200 while the process answers at all. */
  @Get('healthz')
  healthz(): object {
    return { ok: true };
  }

  /** 200 when it can serve, else 503; with the result of each check. */
  @Get('readyz')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { ready, checks } = await readiness(this.#checks());
    reply.code(ready ? 200 : 503);
    return checks;
  }

  #checks(): Record<string, Check> {
    const { store, bus, models, projections, identities } = this.gateway.parts;
    return {
      event_store: () => storeReadiness(store),
      bus: () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected: is nats-server up?' }),
      read_models: async () => {
        await models.active('services');
        return { ok: true, detail: 'they can be read' };
      },
      identity_store: async () => {
        await identities.findOrigin('ori_');
        return { ok: true, detail: 'it can be read' };
      },
      projections: () => standOf(projections.status()),
      nodes: () => this.#nodesHeard(),
    };
  }

  #nodesHeard(): { ok: boolean; detail: string } {
    const { nodes, heard, clock } = this.gateway.parts;
    if (!nodes.ready) return { ok: false, detail: 'reading the nodes from the log' };
    const silent = nodes.present.filter(({ reachable, nodeId }) => reachable && nodeId && heard.silent(nodeId)).map(({ facts }) => facts?.name);
    if (silent.length === 0) return { ok: true, detail: 'every node was heard' };
    const ok = clock.monotonic() - this.#startedAt > FIRST_HEARING_MS;
    return { ok, detail: `${ok ? 'silent' : 'waiting to hear'}: ${silent.join(', ')}` };
  }
}

/** Views that something stands in the way of come first: the others only need time. */
function standOf(views: readonly ProjectionStatus[]): CheckResult {
  const behind = views.filter(({ ready }) => !ready);
  if (behind.length === 0) return { ok: true, detail: 'caught up' };
  const heldUp = behind.filter(({ degraded }) => degraded !== null);
  if (heldUp.length === 0) return { ok: false, detail: `catching up: ${behind.map(({ name }) => name).join(', ')}` };
  return { ok: false, detail: `degraded: ${heldUp.map(({ name }) => name).join(', ')} (${heldUp[0]!.degraded})` };
}
