import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { TenantContext } from '#contracts';
import { Rejection } from '#domain';
import { getDeployment } from '#read-models';
import { ReadDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';

@ApiTags('deployments')
@Controller('v1/deployments')
export class DeploymentsController {
  constructor(private readonly gateway: Gateway) {}

  @Get(':deployment_id')
  @ApiOkResponse({ schema: ref('Deployment') })
  get(@Tenant() tenant: TenantContext, @Param('deployment_id') id: string, @Query() { min_position }: ReadDto): Promise<object> {
    const views = ['deployments', 'services', 'replicas'] as const;
    return this.gateway.one(views, min_position, () => getDeployment(this.gateway.reads, tenant, id), deploymentNotFound);
  }
}

const deploymentNotFound = () =>
  new Rejection('not_found', 'deployment.not_found', 'there is no such deployment: GET /v1/docker-services/{id}/deployments lists those of a service');
