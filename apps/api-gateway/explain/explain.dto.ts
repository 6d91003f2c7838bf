import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { POSITION } from '#event-store';
import { ReadDto } from '../edge/paging.dto.ts';

/** How far back an explanation goes. */
export class ExplainDto extends ReadDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 100, description: 'So many of the latest events about it are looked at.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;

  @ApiPropertyOptional({ type: 'string', pattern: POSITION.source, description: 'The `earlier` of another answer: only what came before it.' })
  @IsOptional()
  @Matches(POSITION, { message: 'must be the earlier of another explanation' })
  before?: string;
}

export class ExplainServiceDto extends ExplainDto {
  @ApiPropertyOptional({ type: 'string', description: 'Only what led to this replica of it.' })
  @IsOptional()
  @IsString()
  replica_id?: string;
}
