import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { NAME } from '#domain';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

export class CreateEnvironmentDto {
  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'production', description: 'A DNS label, unique in the project.' })
  @IsString()
  name!: string;
}

export class ListEnvironmentsDto extends PagingDto {
  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;
}
