import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { TenantContext } from '#contracts';
import { getService, listReplicas, type ReplicaAnswer } from '#read-models';
import { Needs } from '../edge/needs.ts';
import { ReadDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { readSamples } from '#messaging';
import { ref } from '../openapi/schemas.ts';
import { dockerServiceNotFound } from './reach.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id/metrics')
export class ServiceMetricsController {
  constructor(private readonly gateway: Gateway) {}

  /** What each replica takes, as its agent saw it at `sampled_at`; null where it isn't running or was not sampled yet. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('ServiceMetrics') })
  async metrics(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { min_position }: ReadDto): Promise<object> {
    await this.gateway.one(['services'], min_position, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
    await this.gateway.fresh(['replicas'], min_position);
    const replicas = await this.#replicas(tenant, id);
    const nodeIds = [...new Set(replicas.flatMap(({ node_id }) => node_id ?? []))];
    const { samples, silent } = await readSamples(this.gateway.parts.bus, nodeIds, id);
    const byReplica = new Map(samples.map((sample) => [sample.replicaId, sample]));
    return {
      replicas: replicas.map(({ replica_id, restarts, oom_kills }) => {
        const sample = byReplica.get(replica_id);
        return { replica_id, cpu_millis: sample?.cpuMillis ?? null, memory_bytes: sample?.workingSetBytes ?? null, restarts, oom_kills, sampled_at: sample ? instantOf(sample.at) : null };
      }),
      missing: replicas.flatMap(({ replica_id, node_id }) => (node_id !== null && silent.has(node_id) ? [{ replica_id, reason: silent.get(node_id)! }] : [])),
    };
  }

  async #replicas(tenant: TenantContext, ownerId: string): Promise<readonly ReplicaAnswer[]> {
    const found: ReplicaAnswer[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listReplicas>> = await listReplicas(this.gateway.reads, tenant, ownerId, { cursor, limit: 500 });
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }
}

/** The engine tells nanoseconds. */
const instantOf = (at: string): string => new Date(Date.parse(at)).toISOString();
