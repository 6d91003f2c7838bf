import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { readiness, type Check } from '#platform';
import { Gateway } from './gateway.ts';

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
    const { store, bus, projections } = this.gateway.parts;
    return {
      event_store: async () => {
        await store.readAll(null, { limit: 1 });
        return { ok: true, detail: 'it can be read' };
      },
      bus: () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected: is nats-server up?' }),
      projections: () => {
        const behind = projections.status().filter(({ ready }) => !ready).map(({ name }) => name);
        return { ok: behind.length === 0, detail: behind.length ? `catching up: ${behind.join(', ')}` : 'caught up' };
      },
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
