import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { TenantContext } from '#contracts';
import { getServiceExplanation } from '#read-models';
import { Needs } from '../edge/needs.ts';
import { ReadDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { dockerServiceNotFound } from './reach.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id/explain')
export class ExplainController {
  constructor(private readonly gateway: Gateway) {}

  /** Why it is as it is: read from the recorded decisions, so it is never behind. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Explanation') })
  async explain(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() _query: ReadDto): Promise<object> {
    const explanation = await getServiceExplanation(this.gateway.parts, tenant, id, this.gateway.parts.heard);
    if (!explanation) throw dockerServiceNotFound();
    return explanation;
  }
}
