import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { PagingDto } from '../edge/paging.dto.ts';

/** Of a list of events: its cursor is a position. */
export class ListEventsDto extends PagingDto {
  @ApiPropertyOptional({ type: 'string', description: 'A Waybill-Position: only what came after it.' })
  @IsOptional()
  @IsString()
  after?: string;
}
