import { ApiProperty, ApiPropertyOptional, IntersectionType, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';
import { WithinDto } from '../edge/within.dto.ts';
import { JobDto } from '../jobs/job.dto.ts';

const POLICIES = ['allow', 'forbid', 'replace'] as const;

export class CreateScheduleDto {
  @ApiProperty({ type: 'string', example: '*/15 8-18 * * MON-FRI', description: 'Minute, hour, day of month, month, day of week.' })
  @IsString()
  cron!: string;

  @ApiPropertyOptional({ type: 'string', default: 'UTC', example: 'Europe/Berlin', description: 'The fields are wall time there.' })
  @IsOptional()
  @IsString()
  time_zone?: string;

  @ApiPropertyOptional({ enum: POLICIES, default: 'forbid', description: 'What to do while an earlier job isn’t over: let both run, pass the minute over, or cancel the earlier one first.' })
  @IsOptional()
  @IsIn(POLICIES)
  concurrency?: (typeof POLICIES)[number];

  @ApiProperty({ type: JobDto, description: 'What each firing makes, as POST /v1/jobs takes it.' })
  @IsObject()
  @ValidateNested()
  @Type(() => JobDto)
  job!: JobDto;
}

/** What is given stands in place of what was; `job` whole. */
export class ChangeScheduleDto extends PartialType(CreateScheduleDto) {
  @ApiPropertyOptional({ type: 'boolean', description: 'Paused, it fires nothing; what it misses so is never made good.' })
  @IsOptional()
  @IsBoolean()
  paused?: boolean;
}

export class ListSchedulesDto extends IntersectionType(PagingDto, WithinDto) {
  @ApiPropertyOptional({ type: 'string', description: 'Those whose jobs take a release of this service.' })
  @IsOptional()
  @IsIdOf('svc')
  docker_service_id?: string;
}
