import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import { ContainerDto } from '../compute/container.dto.ts';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

export class CreateJobDto extends ContainerDto {
  @ApiPropertyOptional({ type: 'string', description: 'Implied by the environment; given, it must agree.' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiProperty({ type: 'string' })
  @IsIdOf('env')
  environment_id!: string;

  @ApiPropertyOptional({ type: 'string', description: 'Default: the image’s last part. Needn’t be unique.' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ type: 'integer', default: 600_000, description: 'From the start of the container; never unlimited.' })
  @IsOptional()
  @IsInt()
  timeout_ms?: number;
}

const STATUSES = ['PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMEOUT'] as const;

export class ListJobsDto extends PagingDto {
  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsIdOf('env')
  environment_id?: string;

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}
