import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { ReadDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

export class LogsDto extends ReadDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 10_000, default: 100, description: 'So many of the latest lines.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  tail?: number;

  @ApiPropertyOptional({ type: 'string', description: 'Of this replica only, also when it is gone.' })
  @IsOptional()
  @IsIdOf('rep')
  replica_id?: string;

  @ApiPropertyOptional({ enum: ['stdout', 'stderr'] })
  @IsOptional()
  @IsIn(['stdout', 'stderr'])
  stream?: 'stdout' | 'stderr';
}
