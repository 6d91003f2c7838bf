import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import { NAME, RESOURCE_KINDS, type ResourceKind } from '#domain';
import { CREDENTIALS_SCHEMA, IsCredentials, type VersionDto } from '../compute/values.dto.ts';
import { PagingDto } from '../edge/paging.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';
import { MadeWithinDto, NamedWithinDto } from '../edge/within.dto.ts';

export class CreateResourceDto extends MadeWithinDto {
  @ApiProperty({ type: 'string', pattern: NAME.source, example: 'main-db', description: 'A DNS label, unique in the environment.' })
  @IsString()
  name!: string;

  @ApiProperty({ enum: RESOURCE_KINDS })
  @IsIn(RESOURCE_KINDS)
  kind!: ResourceKind;

  @ApiPropertyOptional({ type: 'string', example: 'postgres-123', description: 'What dependants call it by; default its name, or host where that is a name.' })
  @IsOptional()
  @IsString()
  hostname?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, example: '10.0.0.5', description: 'Where it is, when it is elsewhere: an IP address or a DNS name.' })
  @IsOptional()
  @IsString()
  host?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65_535, nullable: true, description: 'Default: the service’s first port, or the kind’s own.' })
  @IsOptional()
  @IsInt()
  port?: number | null;

  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @IsString()
  user?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @IsString()
  database?: string | null;

  @ApiPropertyOptional({ ...CREDENTIALS_SCHEMA, description: 'The secret whose value is the password. latest: dependants follow it.' })
  @IsOptional()
  @IsCredentials()
  password?: { readonly secret_id: string; readonly version?: VersionDto } | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, description: 'The service behind it, when it runs here; instead of host.' })
  @IsOptional()
  @IsIdOf('svc')
  docker_service_id?: string | null;
}

export class ListResourcesDto extends IntersectionType(PagingDto, NamedWithinDto) {
  @ApiPropertyOptional({ enum: RESOURCE_KINDS })
  @IsOptional()
  @IsIn(RESOURCE_KINDS)
  kind?: ResourceKind;
}
