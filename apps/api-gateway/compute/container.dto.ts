import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { LIMITS } from '#domain';
import { TextList, TextMap } from '../edge/shapes.ts';
import { JoinDto } from '../networks/network.dto.ts';
import { MountDto } from '../volumes/volume.dto.ts';
import { DEPENDENCIES_SCHEMA, IsDependencyList, type DependencyDto } from './dependencies.dto.ts';
import { IsLoggingTarget, IsMetricsTarget, LOGGING_TARGETS, METRICS_TARGETS } from './targets.ts';
import { CONFIGS_SCHEMA, CREDENTIALS_SCHEMA, IsConfigList, IsCredentials, IsSecretMap, SECRETS_SCHEMA, type ConfigUseDto, type SecretUseDto, type ValueUsesDto } from './values.dto.ts';

const text = { type: 'string' } as const;
const cpuMillis = { type: 'integer', minimum: LIMITS.minCpuMillis, maximum: LIMITS.maxCpuMillis } as const;
const memoryBytes = { type: 'integer', minimum: LIMITS.minMemoryBytes, maximum: LIMITS.maxMemoryBytes } as const;

export class AmountDto {
  /** Thousandths of a core. */
  @ApiProperty({ ...cpuMillis, example: 250, description: 'Thousandths of a core.' })
  @IsInt()
  cpu_millis!: number;

  @ApiProperty({ ...memoryBytes, example: 268_435_456 })
  @IsInt()
  memory_bytes!: number;
}

/** Either `request` and `limit`, or the short form that sets both to the same. */
export class ResourcesDto {
  @ApiPropertyOptional({ type: AmountDto, description: 'What is promised; at most the limit.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AmountDto)
  request?: AmountDto;

  @ApiPropertyOptional({ type: AmountDto, description: 'What a container is held to.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AmountDto)
  limit?: AmountDto;

  @ApiPropertyOptional({ ...cpuMillis, description: 'Short form, with memory_bytes: sets request and limit.' })
  @IsOptional()
  @IsInt()
  cpu_millis?: number;

  @ApiPropertyOptional({ ...memoryBytes, description: 'Short form, with cpu_millis: sets request and limit.' })
  @IsOptional()
  @IsInt()
  memory_bytes?: number;
}

/** What services and jobs have in common: all that shapes a container but its ports. Shape only; the domain's rules judge the values. */
export class ContainerDto {
  @ApiProperty({ ...text, example: 'nginx:1.27' })
  @IsString()
  image!: string;

  @ApiPropertyOptional({ enum: ['missing', 'always', 'never'], default: 'missing' })
  @IsOptional()
  @IsIn(['missing', 'always', 'never'])
  pull_policy?: 'missing' | 'always' | 'never';

  @ApiPropertyOptional({ type: [String], description: 'Replaces the image’s ENTRYPOINT and drops its CMD.' })
  @IsOptional()
  @TextList()
  command?: string[];

  @ApiPropertyOptional({ type: [String], description: 'Replaces the image’s CMD.' })
  @IsOptional()
  @TextList()
  args?: string[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: text, example: { PORT: '3000' } })
  @IsOptional()
  @TextMap()
  env?: Record<string, string>;

  @ApiPropertyOptional({ ...text, default: 'small', description: 'Instead of resources, not beside them.' })
  @IsOptional()
  @IsString()
  plan?: string;

  @ApiPropertyOptional({ type: ResourcesDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ResourcesDto)
  resources?: ResourcesDto;

  @ApiPropertyOptional({ type: 'object', additionalProperties: text, example: { team: 'shop' } })
  @IsOptional()
  @TextMap()
  labels?: Record<string, string>;

  @ApiPropertyOptional({ type: [String], example: ['node.labels.zone==a'] })
  @IsOptional()
  @TextList()
  constraints?: string[];

  @ApiPropertyOptional({ type: 'object', properties: { type: { type: 'string', enum: [...LOGGING_TARGETS] } }, selfRequired: false, required: ['type'], default: { type: 'local_only' } })
  @IsOptional()
  @IsLoggingTarget()
  logging_target?: { type: 'local_only' };

  @ApiPropertyOptional({ type: 'object', properties: { type: { type: 'string', enum: [...METRICS_TARGETS] } }, selfRequired: false, required: ['type'], default: { type: 'prometheus' }, description: 'none: left out of /metrics.' })
  @IsOptional()
  @IsMetricsTarget()
  metrics_target?: { type: 'prometheus' | 'none' };

  @ApiPropertyOptional({ type: [MountDto] })
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => MountDto)
  volumes?: MountDto[];

  @ApiPropertyOptional({ type: [JoinDto], maxItems: LIMITS.networks, description: 'Beside the environment’s own.' })
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => JoinDto)
  networks?: JoinDto[];

  @ApiPropertyOptional({ type: 'boolean', default: true, description: 'false: it is not in the environment’s own network.' })
  @IsOptional()
  @IsBoolean()
  default_network?: boolean;

  @ApiPropertyOptional(SECRETS_SCHEMA)
  @IsOptional()
  @IsSecretMap()
  secrets?: Record<string, SecretUseDto>;

  @ApiPropertyOptional({ type: 'array', items: CONFIGS_SCHEMA })
  @IsOptional()
  @IsConfigList()
  configs?: ConfigUseDto[];

  @ApiPropertyOptional(CREDENTIALS_SCHEMA)
  @IsOptional()
  @IsCredentials()
  registry_credentials?: ValueUsesDto['registry_credentials'];

  @ApiPropertyOptional({ type: 'array', items: DEPENDENCIES_SCHEMA, description: 'What it uses: it is put where that answers, and its environment says how to reach it.' })
  @IsOptional()
  @IsDependencyList()
  dependencies?: DependencyDto[];
}
