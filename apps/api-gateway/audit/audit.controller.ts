import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsISO8601, IsOptional, IsString } from 'class-validator';
import type { TenantContext } from '#contracts';
import { findAudit } from '#read-models';
import { Needs } from '../edge/needs.ts';
import { listed, PagingDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { listOf } from '../openapi/schemas.ts';

const text = { type: 'string' } as const;
const instant = { type: 'string', format: 'date-time' } as const;

export class FindAuditDto extends PagingDto {
  @ApiPropertyOptional({ ...text, description: 'An id; of a service or job with all that was done for it.' })
  @IsOptional()
  @IsString()
  resource?: string;

  @ApiPropertyOptional(text)
  @IsOptional()
  @IsString()
  resource_type?: string;

  @ApiPropertyOptional(text)
  @IsOptional()
  @IsString()
  project_id?: string;

  @ApiPropertyOptional({ ...text, description: 'The id of a token or user, or the name of a part of the platform.' })
  @IsOptional()
  @IsString()
  actor?: string;

  @ApiPropertyOptional({ ...text, example: 'DockerServiceScaled' })
  @IsOptional()
  @IsString()
  what?: string;

  @ApiPropertyOptional(instant)
  @IsOptional()
  @IsISO8601({ strict: true }, { message: 'must be an instant in RFC 3339' })
  from?: string;

  @ApiPropertyOptional({ ...instant, description: 'Itself left out.' })
  @IsOptional()
  @IsISO8601({ strict: true }, { message: 'must be an instant in RFC 3339' })
  until?: string;
}

@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly gateway: Gateway) {}

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('AuditEntry'), description: 'Who did what to which thing, the latest first.' })
  async find(@Tenant() tenant: TenantContext, @Query() { min_position, resource, actor, from, until, ...query }: FindAuditDto): Promise<object> {
    await this.gateway.fresh(['audit'], min_position);
    const search = { ...query, resource_id: resource, actor_id: actor, from: asUtc(from), until: asUtc(until) };
    return listed(await findAudit(this.gateway.reads, tenant, search));
  }
}

/** Recorded times are UTC with milliseconds and are compared as text. */
const asUtc = (instant: string | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());
