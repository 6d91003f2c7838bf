import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { LIMITS } from '#domain';
import { ContainerDto } from '../compute/container.dto.ts';
import { MadeWithinDto } from '../edge/within.dto.ts';
import { DeployDto } from './deploy.dto.ts';
import { HealthcheckDto } from './healthcheck.dto.ts';
import { RestartPolicyDto } from './restart-policy.dto.ts';

export class PortDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 65_535 })
  @IsInt()
  container_port!: number;

  @ApiPropertyOptional({ enum: ['tcp', 'udp'], default: 'tcp' })
  @IsOptional()
  @IsIn(['tcp', 'udp'])
  protocol?: 'tcp' | 'udp';

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65_535, description: 'Publishes the port on the node.' })
  @IsOptional()
  @IsInt()
  host_port?: number;
}

export class CreateDockerServiceDto extends IntersectionType(ContainerDto, MadeWithinDto) {
  @ApiPropertyOptional({ type: 'string', description: 'Default: the image’s last part and a suffix.' })
  @IsOptional()
  @IsString()
  name?: string;

  @ApiPropertyOptional({ enum: ['web', 'worker'], description: 'Default: web with ports, else worker.' })
  @IsOptional()
  @IsIn(['web', 'worker'])
  type?: 'web' | 'worker';

  @ApiPropertyOptional({ type: [PortDto] })
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => PortDto)
  ports?: PortDto[];

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.replicas, default: 1 })
  @IsOptional()
  @IsInt()
  replicas?: number;

  @ApiPropertyOptional({ type: RestartPolicyDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RestartPolicyDto)
  restart_policy?: RestartPolicyDto;

  @ApiPropertyOptional({ type: HealthcheckDto, nullable: true, description: 'Without one, a container is well when it runs.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => HealthcheckDto)
  healthcheck?: HealthcheckDto | null;

  @ApiPropertyOptional({ type: DeployDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => DeployDto)
  deploy?: DeployDto;
}
