import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { getService, listEvents, ownerOf } from '#read-models';
import { ListEventsDto } from '../audit/events.dto.ts';
import { streamLog, wantsStream } from '../audit/event-stream.ts';
import { Needs } from '../edge/needs.ts';
import { listed } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { eventsContent } from '../openapi/schemas.ts';
import { dockerServiceNotFound } from './reach.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id/events')
export class ServiceEventsController {
  constructor(private readonly gateway: Gateway) {}

  /** All that happened to it, to its deployments and replicas, in the order of the log. With `Accept: text/event-stream` it goes
   *  on live; `Last-Event-ID` resumes it. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ content: eventsContent })
  async events(
    @Tenant() tenant: TenantContext,
    @Param('docker_service_id') id: string,
    @Query() { min_position, after, cursor, limit }: ListEventsDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.gateway.one(['services'], min_position, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
    if (wantsStream(request)) {
      const prefixes = [`docker_service-${id}`, 'deployment-', 'replica-', 'node-', 'project-'];
      return streamLog(this.gateway, request, reply, tenant, { after, prefixes, wanted: (event) => ownerOf(event) === id });
    }
    await this.gateway.fresh(['audit'], min_position);
    reply.send(listed(await listEvents(this.gateway.reads, tenant, id, { after: cursor ?? after, limit })));
  }
}
