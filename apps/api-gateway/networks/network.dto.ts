import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { LIMITS, NAME } from '#domain';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf, TextList } from '../edge/shapes.ts';
import { MadeWithinDto, NamedWithinDto } from '../edge/within.dto.ts';

/** A network that a container joins. */
export class JoinDto {
  @ApiPropertyOptional({ type: 'string', example: 'backend', description: 'Of a network of the environment; made where there is none of this name. default: the environment’s own.' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Instead of the name: a network that is there.' })
  @IsOptional()
  @IsIdOf('net')
  network_id?: string;

  @ApiPropertyOptional({ type: [String], maxItems: LIMITS.aliases, example: ['api'], description: 'What it answers to there, beside its name, its id and its host name.' })
  @IsOptional()
  @TextList()
  aliases?: string[];
}

export class CreateNetworkDto extends MadeWithinDto {
  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'backend', description: 'A DNS label, unique in the environment.' })
  @IsString()
  name!: string;
}

export class ListNetworksDto extends IntersectionType(PagingDto, NamedWithinDto) {}
