import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { POSITION } from '#event-store';

/** Of a read that may ask to see at least so much of the log. */
export class ReadDto {
  @ApiPropertyOptional({ type: 'string', description: 'A Waybill-Position: waits until the answer knows all up to it.' })
  @IsOptional()
  @Matches(POSITION, { message: 'must be a Waybill-Position as a change answered it' })
  min_position?: string;
}

/** Of every list. */
export class PagingDto extends ReadDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;

  @ApiPropertyOptional({ type: 'string', description: 'The next_cursor of the page before.' })
  @IsOptional()
  @IsString()
  cursor?: string;
}

/** A page as every list answers it. */
export const listed = <T>({ items, next }: { readonly items: readonly T[]; readonly next: string | null }) => ({ items, next_cursor: next });
