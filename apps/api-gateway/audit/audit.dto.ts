import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import type { AuditFilter } from '#read-models';
import { IsInstant, PagingDto } from '../edge/paging.dto.ts';

const text = { type: 'string' } as const;
const instant = { type: 'string', format: 'date-time' } as const;

export class FindAuditDto extends PagingDto {
  @ApiPropertyOptional({ ...text, description: 'An id; of a service, a job or a schedule with all that was done for it.' })
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
  @IsInstant()
  from?: string;

  @ApiPropertyOptional({ ...instant, description: 'Itself left out.' })
  @IsOptional()
  @IsInstant()
  until?: string;
}

/** An export has no pages. */
export class ExportAuditDto extends OmitType(FindAuditDto, ['limit', 'cursor'] as const) {}

export class DiffDto {
  @ApiProperty({ ...text, description: 'The id of the thing; of a plan its name.' })
  @IsString()
  resource!: string;

  @ApiProperty(instant)
  @IsInstant()
  from!: string;

  @ApiPropertyOptional({ ...instant, description: 'Default: now.' })
  @IsOptional()
  @IsInstant()
  to?: string;
}

/** Recorded times are UTC with milliseconds and are compared as text. */
export const asUtc = (instant: string | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());

/** What is looked for, as the query takes it. */
export const filterOf = ({ resource, resource_type, project_id, actor, what, from, until }: Omit<FindAuditDto, keyof PagingDto>): AuditFilter => ({
  resource_id: resource, resource_type, project_id, actor_id: actor, what, from: asUtc(from), until: asUtc(until),
});
