import { ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { HookDto } from '../docker-services/hook.dto.ts';
import { PagingAtDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';
import { WithinDto } from '../edge/within.dto.ts';

/** A container that runs to its end: one of its own (`environment_id`, `image`), or that of a service (`docker_service_id`) with what is
 *  given in place of its release's own. */
export class JobDto extends HookDto {
  @ApiPropertyOptional({ type: 'string', description: 'Takes all of this service’s current release; each given field stands in its place.' })
  @IsOptional()
  @IsIdOf('svc')
  docker_service_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Implied by the environment; given, it must agree.' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Needed without docker_service_id, implied by it.' })
  @IsOptional()
  @IsIdOf('env')
  environment_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Default: the service’s name, or the image’s last part. Needn’t be unique.' })
  @IsOptional()
  @IsString()
  name?: string;
}

const STATUSES = ['PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMEOUT', 'CANCELLED'] as const;
const TRIGGERS = ['manual', 'pre_deploy', 'post_deploy', 'schedule'] as const;

export class ListJobsDto extends IntersectionType(PagingAtDto, WithinDto) {
  @ApiPropertyOptional({ type: 'string', description: 'Those that took a release of this service; its hooks too.' })
  @IsOptional()
  @IsIdOf('svc')
  docker_service_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Of a schedule the last 10 that have ended are kept, and those that run.' })
  @IsOptional()
  @IsIdOf('sch')
  schedule_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'The hooks of this deployment.' })
  @IsOptional()
  @IsIdOf('dep')
  deployment_id?: string;

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  @ApiPropertyOptional({ enum: TRIGGERS })
  @IsOptional()
  @IsIn(TRIGGERS)
  trigger?: (typeof TRIGGERS)[number];
}
