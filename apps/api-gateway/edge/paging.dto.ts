import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, isISO8601, IsOptional, IsString, Matches, Max, Min, ValidateBy } from 'class-validator';
import { POSITION } from '#event-store';

/** Of a read that may ask to see at least so much of the log. */
export class ReadDto {
  @ApiPropertyOptional({ type: 'string', pattern: POSITION.source, description: 'A Waybill-Position: waits until the answer knows all up to it.' })
  @IsOptional()
  @Matches(POSITION, { message: 'must be a Waybill-Position as a change answered it' })
  min_position?: string;
}

const AT = { type: 'string', format: 'date-time', description: 'An instant: answers what Waybill knew then, from the log alone.' } as const;
/** An instant (RFC 3339): a time with its zone, of a day that there is. */
export const IsInstant = (): PropertyDecorator =>
  ValidateBy({
    name: 'instant',
    validator: {
      validate: (value: unknown) => isISO8601(value, { strict: true, strictSeparator: true }) && /T.*(Z|[+-]\d{2}:\d{2})$/i.test(value as string),
      defaultMessage: () => 'must be an instant in RFC 3339, like 2026-11-23T12:00:00.000Z',
    },
  });

/** Of a read of one thing. */
export class ReadOneDto extends ReadDto {
  @ApiPropertyOptional(AT)
  @IsOptional()
  @IsInstant()
  at?: string;
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

/** Of a list that is known as of an instant, too. */
export class PagingAtDto extends PagingDto {
  @ApiPropertyOptional(AT)
  @IsOptional()
  @IsInstant()
  at?: string;
}

/** A page as every list answers it. */
export const listed = <T>({ items, next }: { readonly items: readonly T[]; readonly next: string | null }) => ({ items, next_cursor: next });
