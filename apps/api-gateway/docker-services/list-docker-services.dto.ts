import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsString } from 'class-validator';
import { PagingDto, ReadDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

export class ListDockerServicesDto extends PagingDto {
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

  @ApiPropertyOptional({ enum: ['PENDING', 'RUNNING', 'FAILED'] })
  @IsOptional()
  @IsIn(['PENDING', 'RUNNING', 'FAILED'])
  status?: 'PENDING' | 'RUNNING' | 'FAILED';

  @ApiPropertyOptional({ enum: ['ACTIVE', 'PAUSED', 'DELETING', 'DELETED'], description: 'Default: all but DELETED.' })
  @IsOptional()
  @IsIn(['ACTIVE', 'PAUSED', 'DELETING', 'DELETED'])
  lifecycle?: 'ACTIVE' | 'PAUSED' | 'DELETING' | 'DELETED';
}

export class DeleteDockerServiceDto {
  @ApiPropertyOptional({ enum: ['keep', 'delete'], default: 'keep', description: 'Whether its persistent volumes go with it. Its ephemeral ones do.' })
  @IsOptional()
  @IsIn(['keep', 'delete'])
  volumes?: 'keep' | 'delete';
}

export class GetDockerServiceDto extends ReadDto {
  @ApiPropertyOptional({ type: 'string', format: 'date-time', description: 'An instant: answers what was known then.' })
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true }, { message: 'must be an instant in RFC 3339, like 2026-11-23T12:00:00.000Z' })
  at?: string;
}
