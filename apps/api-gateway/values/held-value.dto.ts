import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Min } from 'class-validator';
import { type Apply, NAME, VALUE_LIMITS } from '#domain';
import { PagingDto, ReadOneDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';
import { NamedWithinDto } from '../edge/within.dto.ts';

class NewHeldDto {
  @ApiProperty({ type: 'string' })
  @IsIdOf('prj')
  project_id!: string;

  @ApiPropertyOptional({ type: 'string', nullable: true, description: 'For containers of this environment only; left out: for all of the project.' })
  @IsOptional()
  @IsIdOf('env')
  environment_id?: string | null;

  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'db-password', description: 'A DNS label, unique in the environment, or in the project where it belongs to none.' })
  @IsString()
  name!: string;
}

const VALUE = { type: 'string', maxLength: VALUE_LIMITS.length } as const;

export class CreateSecretDto extends NewHeldDto {
  @ApiProperty({ ...VALUE, minLength: 1, writeOnly: true, description: 'Kept encrypted, and never given back. Credentials of a registry are <user>:<password>.' })
  @IsString()
  value!: string;
}

export class ChangeSecretDto {
  @ApiProperty({ ...VALUE, minLength: 1, writeOnly: true })
  @IsString()
  value!: string;
}

export class CreateConfigDto extends NewHeldDto {
  @ApiProperty(VALUE)
  @IsString()
  content!: string;
}

export class ChangeConfigDto {
  @ApiProperty(VALUE)
  @IsString()
  content!: string;
}

export class ApplyDto {
  @ApiPropertyOptional({ enum: ['now', 'next_deploy'], default: 'now', description: 'now: what runs is rolled to it; who follows a secret or config, once each. next_deploy: it waits for the next deployment.' })
  @IsOptional()
  @IsIn(['now', 'next_deploy'])
  apply?: Apply;
}

export class ReadConfigDto extends ReadOneDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Whose content is shown; default the latest.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  version?: number;
}

export class ListHeldDto extends IntersectionType(PagingDto, NamedWithinDto) {}
