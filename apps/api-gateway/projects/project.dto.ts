import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { NAME } from '#domain';
import { PagingDto } from '../edge/paging.dto.ts';

export class CreateProjectDto {
  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'shop', description: 'A DNS label, unique in the platform.' })
  @IsString()
  name!: string;
}

export class ListProjectsDto extends PagingDto {
  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;
}
