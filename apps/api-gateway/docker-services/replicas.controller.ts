import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';
import type { TenantContext } from '#contracts';
import { getService, listReplicas, type Reads } from '#read-models';
import { Needs } from '../edge/needs.ts';
import { listed, PagingAtDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { lastLines } from '../logs/last-lines.ts';
import { listOf } from '../openapi/schemas.ts';
import { dockerServiceNotFound } from './reach.ts';

export class ListReplicasDto extends PagingAtDto {
  @ApiPropertyOptional({ type: 'boolean', default: false, description: 'Those that are gone, too.' })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  gone?: boolean;
}

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id')
export class ReplicasController {
  constructor(private readonly gateway: Gateway) {}

  /** With the last lines that each wrote, from the agents that keep them. */
  @Get('replicas')
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Replica') })
  async replicas(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { at, min_position, ...query }: ListReplicasDto): Promise<object> {
    if (at !== undefined) return this.#asOf(tenant, id, at, query);
    await this.#service(tenant, id, min_position);
    await this.gateway.fresh(['replicas'], min_position);
    const page = await listReplicas(this.gateway.reads, tenant, id, query);
    const lines = await lastLines(this.gateway.parts.bus, page.items.filter(({ run }) => run > 0));
    return listed({ ...page, items: page.items.map((replica) => ({ ...replica, last_log_lines: lines.get(replica.replica_id) ?? [] })) });
  }

  /** What they wrote isn't recorded. */
  async #asOf(tenant: TenantContext, id: string, at: string, query: ListReplicasDto): Promise<object> {
    const page = async (reads: Reads) => ((await getService(reads, tenant, id)) ? listReplicas(reads, tenant, id, query) : null);
    return listed(await this.gateway.past(at, id, page, dockerServiceNotFound));
  }

  #service(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['services'], minPosition, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }
}
