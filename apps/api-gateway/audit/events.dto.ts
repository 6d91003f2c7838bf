import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { POSITION } from '#event-store';
import { PagingDto } from '../edge/paging.dto.ts';

/** Of a list of events: its cursor is a position. */
export class ListEventsDto extends PagingDto {
  @ApiPropertyOptional({ type: 'string', pattern: POSITION.source, description: 'A Waybill-Position: only what came after it.' })
  @IsOptional()
  @Matches(POSITION, { message: 'must be a Waybill-Position' })
  after?: string;

  @ApiPropertyOptional({ type: 'string', pattern: POSITION.source, description: 'The next_cursor of the page before, a position too.' })
  @IsOptional()
  @Matches(POSITION, { message: 'must be the next_cursor of an earlier page' })
  declare cursor?: string;
}
