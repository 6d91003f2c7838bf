import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import { NAME, VOLUME_SIZE } from '#domain';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';
import { MadeWithinDto, NamedWithinDto } from '../edge/within.dto.ts';

const sizeBytes = { type: 'integer', minimum: VOLUME_SIZE.min, maximum: VOLUME_SIZE.max, description: 'What it holds at most. Without a backend: loop.' } as const;

/** Something that a container finds at a path of its own. */
export class MountDto {
  @ApiPropertyOptional({ type: 'string', description: 'Of a volume of the environment; made where there is none of this name.' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ type: 'string', description: 'Instead of the name: a volume that is there.' })
  @IsOptional()
  @IsIdOf('vol')
  volume_id?: string;

  @ApiProperty({ type: 'string', example: '/data' })
  @IsString()
  mount_path!: string;

  @ApiPropertyOptional({ enum: ['persistent', 'ephemeral', 'host_path'], default: 'persistent', description: 'ephemeral: goes with the service. host_path: a folder of the host, where its operator allows that.' })
  @IsOptional()
  @IsIn(['persistent', 'ephemeral', 'host_path'])
  type?: 'persistent' | 'ephemeral' | 'host_path';

  @ApiPropertyOptional({ enum: ['local', 'loop', 'tmpfs'], description: 'Default: local; loop with size_bytes. tmpfs: memory, gone with its container.' })
  @IsOptional()
  @IsIn(['local', 'loop', 'tmpfs'])
  backend?: 'local' | 'loop' | 'tmpfs';

  @ApiPropertyOptional(sizeBytes)
  @IsOptional()
  @IsInt()
  size_bytes?: number;

  @ApiPropertyOptional({ type: 'boolean', default: false })
  @IsOptional()
  @IsBoolean()
  read_only?: boolean;

  @ApiPropertyOptional({ type: 'string', example: '/srv/media', description: 'With type host_path only.' })
  @IsOptional()
  @IsString()
  host_path?: string;
}

/** A persistent volume by itself. */
export class CreateVolumeDto extends MadeWithinDto {
  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'uploads' })
  @IsString()
  name!: string;

  @ApiPropertyOptional({ enum: ['local', 'loop'], description: 'Default: local; loop with size_bytes.' })
  @IsOptional()
  @IsIn(['local', 'loop'])
  backend?: 'local' | 'loop';

  @ApiPropertyOptional(sizeBytes)
  @IsOptional()
  @IsInt()
  size_bytes?: number;
}

export class ListVolumesDto extends IntersectionType(PagingDto, NamedWithinDto) {
  @ApiPropertyOptional({ enum: ['ACTIVE', 'DELETING', 'DELETED'], description: 'Default: all but DELETED.' })
  @IsOptional()
  @IsIn(['ACTIVE', 'DELETING', 'DELETED'])
  lifecycle?: 'ACTIVE' | 'DELETING' | 'DELETED';
}
