import { ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PagingAtDto } from '../edge/paging.dto.ts';
import { NamedWithinDto } from '../edge/within.dto.ts';

export class ListDockerServicesDto extends IntersectionType(PagingAtDto, NamedWithinDto) {
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
