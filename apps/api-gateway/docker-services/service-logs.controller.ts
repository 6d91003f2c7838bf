import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { getService } from '#read-models';
import { Needs } from '../edge/needs.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { answerLogs } from '../logs/answer-logs.ts';
import { LogsDto } from '../logs/logs.dto.ts';
import { logsContent } from '../openapi/schemas.ts';
import { dockerServiceNotFound } from './reach.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id/logs')
export class ServiceLogsController {
  constructor(private readonly gateway: Gateway) {}

  /** The output of every replica as one, from the agents that keep it; with `follow` what is written from then on, too. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ content: logsContent })
  async logs(
    @Tenant() tenant: TenantContext,
    @Param('docker_service_id') id: string,
    @Query() query: LogsDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const service = () => getService(this.gateway.reads, tenant, id);
    await this.gateway.one(['services'], query.min_position, service, dockerServiceNotFound);
    const isOver = async () => (await service())?.lifecycle === 'DELETED';
    await answerLogs(this.gateway, { request, reply }, { tenant, ownerId: id, replicaId: query.replica_id, gone: false, isOver }, query);
  }
}
