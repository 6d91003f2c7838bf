import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { Needs } from '../edge/needs.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { eventStream } from '../openapi/schemas.ts';
import { streamLog } from './event-stream.ts';

export class StreamEventsDto {
  @ApiPropertyOptional({ type: 'string', description: 'A Waybill-Position: only what came after it. Last-Event-ID goes before it.' })
  @IsOptional()
  @IsString()
  after?: string;
}

@ApiTags('audit')
@Controller('v1/events')
export class EventsController {
  constructor(private readonly gateway: Gateway) {}

  /** Every event that the token may see, from the beginning or `Last-Event-ID` on, and then live. */
  @Get()
  @Needs('viewer')
  @ApiOkResponse({ content: eventStream })
  stream(@Tenant() tenant: TenantContext, @Query() { after }: StreamEventsDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return streamLog(this.gateway, request, reply, tenant, { after });
  }
}
