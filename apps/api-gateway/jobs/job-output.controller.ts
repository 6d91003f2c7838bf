import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { getJob, listEvents, ownerOf } from '#read-models';
import { ListEventsDto } from '../audit/events.dto.ts';
import { streamLog, wantsStream } from '../audit/event-stream.ts';
import { Needs } from '../edge/needs.ts';
import { listed } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { answerLogs } from '../logs/answer-logs.ts';
import { LogsDto } from '../logs/logs.dto.ts';
import { eventsContent, logsContent } from '../openapi/schemas.ts';
import { jobNotFound } from './reach.ts';

const UNDER_WAY: ReadonlySet<string> = new Set(['PENDING', 'RUNNING']);

@ApiTags('jobs')
@Controller('v1/jobs/:job_id')
export class JobOutputController {
  constructor(private readonly gateway: Gateway) {}

  /** What it wrote, from the agents that keep it: also when its container is long gone. */
  @Get('logs')
  @Needs('viewer')
  @ApiOkResponse({ content: logsContent })
  async logs(@Tenant() tenant: TenantContext, @Param('job_id') id: string, @Query() query: LogsDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#job(tenant, id, query.min_position);
    const isOver = async () => !UNDER_WAY.has((await getJob(this.gateway.reads, tenant, id))?.status ?? '');
    await answerLogs(this.gateway, { request, reply }, { tenant, ownerId: id, replicaId: query.replica_id, gone: true, isOver }, query);
  }

  /** All that happened to it and its attempts; live with `Accept: text/event-stream`. */
  @Get('events')
  @Needs('viewer')
  @ApiOkResponse({ content: eventsContent })
  async events(
    @Tenant() tenant: TenantContext,
    @Param('job_id') id: string,
    @Query() { min_position, after, cursor, limit }: ListEventsDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#job(tenant, id, min_position);
    if (wantsStream(request)) {
      const prefixes = [`job-${id}`, 'replica-', 'node-'];
      return streamLog(this.gateway, request, reply, tenant, { after, prefixes, wanted: (event) => ownerOf(event) === id });
    }
    await this.gateway.fresh(['audit'], min_position);
    reply.send(listed(await listEvents(this.gateway.reads, tenant, id, { after: cursor ?? after, limit })));
  }

  #job(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['jobs'], minPosition, () => getJob(this.gateway.reads, tenant, id), jobNotFound);
  }
}
