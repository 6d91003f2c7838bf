import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, ValidateBy } from 'class-validator';
import { ReadDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i;

/** RFC 3339, to the nanosecond. */
const IsInstant = (): PropertyDecorator =>
  ValidateBy({
    name: 'instant',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value)),
      defaultMessage: () => 'must be an instant in RFC 3339, like 2026-11-23T12:00:00.000Z',
    },
  });

/** An instant as lines bear it: in UTC, with nine digits of a second. @param text for which `IsInstant` holds */
export function nanoInstant(text: string): string {
  const [, seconds, fraction = '', zone] = INSTANT.exec(text)!;
  return `${new Date(`${seconds}${zone}`).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`;
}

const MOST_TAIL = 100_000;
const tailOf = (value: unknown): unknown => (typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value);
const IsTail = (): PropertyDecorator =>
  ValidateBy({
    name: 'tail',
    validator: {
      validate: (value: unknown) => value === 'all' || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_TAIL),
      defaultMessage: () => `must be a whole number from 0 to ${MOST_TAIL}, or all`,
    },
  });

export const FORMATS = ['json', 'jsonl', 'sse'] as const;

export class LogsDto extends ReadDto {
  @ApiPropertyOptional({ oneOf: [{ type: 'integer', minimum: 0, maximum: MOST_TAIL }, { type: 'string', enum: ['all'] }], default: 100, description: 'So many of the latest lines. Default: 100, all with since or until.' })
  @IsOptional()
  @Transform(({ value }) => tailOf(value))
  @IsTail()
  tail?: number | 'all';

  @ApiPropertyOptional({ type: 'string', format: 'date-time', description: 'Lines of this instant and later.' })
  @IsOptional()
  @IsInstant()
  since?: string;

  @ApiPropertyOptional({ type: 'string', format: 'date-time', description: 'Lines of this instant and earlier. Not with follow.' })
  @IsOptional()
  @IsInstant()
  until?: string;

  @ApiPropertyOptional({ type: 'boolean', description: 'Goes on with what is written. Default: true for sse, else false.' })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  follow?: boolean;

  @ApiPropertyOptional({ type: 'string', description: 'Of this replica only, also when it is gone.' })
  @IsOptional()
  @IsIdOf('rep')
  replica_id?: string;

  @ApiPropertyOptional({ enum: ['stdout', 'stderr'] })
  @IsOptional()
  @IsIn(['stdout', 'stderr'])
  stream?: 'stdout' | 'stderr';

  @ApiPropertyOptional({ enum: FORMATS, description: 'Default: as Accept says, application/x-ndjson or text/event-stream; else json, or jsonl with follow.' })
  @IsOptional()
  @IsIn(FORMATS)
  format?: (typeof FORMATS)[number];

  @ApiPropertyOptional({ type: 'string', description: 'The id of a line: goes on behind it, instead of tail. Last-Event-ID goes before it.' })
  @IsOptional()
  @IsString()
  after?: string;
}
