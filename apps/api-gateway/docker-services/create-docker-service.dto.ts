import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { Equals, IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { ContainerDto } from '../compute/container.dto.ts';
import { IsIdOf } from '../edge/shapes.ts';

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

export class RestartPolicyDto {
  @ApiProperty({ enum: ['always'], default: 'always' })
  @Equals('always', { message: 'this build serves the restart policy "always" only' })
  name!: 'always';
}

export class DeployDto {
  @ApiPropertyOptional({ type: 'integer', default: 10_000, description: 'A container counts as started when it has run this long.' })
  @IsOptional()
  @IsInt()
  min_healthy_ms?: number;

  @ApiPropertyOptional({ type: 'integer', default: 300_000, description: 'Each replica’s time from its start order to counting as started.' })
  @IsOptional()
  @IsInt()
  healthy_deadline_ms?: number;

  @ApiPropertyOptional({ type: 'integer', default: 600_000, description: 'The deployment’s time without any progress.' })
  @IsOptional()
  @IsInt()
  progress_deadline_ms?: number;

  @ApiPropertyOptional({ type: 'integer', default: 0, description: 'More failed replicas than this end the deployment.' })
  @IsOptional()
  @IsInt()
  max_failures?: number;
}

export class CreateDockerServiceDto extends ContainerDto {
  @ApiPropertyOptional({ type: 'string', description: 'Implied by the environment; given, it must agree.' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiProperty({ type: 'string' })
  @IsIdOf('env')
  environment_id!: string;

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

  @ApiPropertyOptional({ type: 'integer', minimum: 0, default: 1 })
  @IsOptional()
  @IsInt()
  replicas?: number;

  @ApiPropertyOptional({ type: RestartPolicyDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RestartPolicyDto)
  restart_policy?: RestartPolicyDto;

  @ApiPropertyOptional({ type: DeployDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => DeployDto)
  deploy?: DeployDto;
}
