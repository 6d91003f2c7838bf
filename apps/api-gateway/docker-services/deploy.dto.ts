import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { DEFAULT_DEPLOY_SETTINGS, LIMITS, type DeploySettings } from '#domain';
import type { AggregateStore } from '#event-store';
import { IsShare } from '../edge/shapes.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { HookDto, hookOf } from './hook.dto.ts';

const share = { oneOf: [{ type: 'integer', minimum: 0, maximum: LIMITS.replicas }, { type: 'string', pattern: '^(100|[0-9]{1,2})%$' }], example: '25%' };

/** How one deployment goes about it; the service's own settings stand in for what is left out. */
export class RolloutDto {
  @ApiPropertyOptional({ enum: ['rolling', 'recreate'], default: 'rolling', description: 'recreate: stop all, start all.' })
  @IsOptional()
  @IsIn(['rolling', 'recreate'])
  strategy?: DeploySettings['strategy'];

  @ApiPropertyOptional({ ...share, description: 'Replicas above the wanted number, rounded up. Default: 25%; 1 for a single replica; 0 with a host port.' })
  @IsOptional()
  @IsShare()
  max_surge?: number | string;

  @ApiPropertyOptional({ ...share, description: 'Replicas that may be lacking, rounded down. Default: 25%; 0 for a single replica; 1 with a host port.' })
  @IsOptional()
  @IsShare()
  max_unavailable?: number | string;

  @ApiPropertyOptional({ type: 'boolean', default: true, description: 'One that failed returns to the last stable release.' })
  @IsOptional()
  @IsBoolean()
  auto_rollback?: boolean;

  @ApiPropertyOptional({ type: HookDto, nullable: true, description: 'Runs before any replica is touched; anything but success aborts.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => HookDto)
  pre_deploy?: HookDto | null;

  @ApiPropertyOptional({ type: HookDto, nullable: true, description: 'Runs after all were replaced and watched; anything but success fails the deployment.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => HookDto)
  post_deploy?: HookDto | null;
}

export class DeployDto extends RolloutDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.maxDurationMs, default: 10_000, description: 'A container counts as started when it has run (with a check: been healthy) this long.' })
  @IsOptional()
  @IsInt()
  min_healthy_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.maxDurationMs, default: 15_000, description: 'How long all replicas have to stay up after the last one was replaced; 0: not watched.' })
  @IsOptional()
  @IsInt()
  monitor_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.maxDurationMs, default: 300_000, description: 'Each replica’s time from its start order to counting as started.' })
  @IsOptional()
  @IsInt()
  healthy_deadline_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.maxDurationMs, default: 600_000, description: 'The deployment’s time without any progress; hooks excluded.' })
  @IsOptional()
  @IsInt()
  progress_deadline_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.replicas, default: 0, description: 'More failed replicas than this end the deployment.' })
  @IsOptional()
  @IsInt()
  max_failures?: number;
}

/** A service's settings as a body asks for them, defaults filled in. @throws InvalidRequest as `hookOf`. */
export async function deploySettingsOf(aggregates: AggregateStore, deploy: DeployDto | null | undefined, volumes: AskedVolumes): Promise<DeploySettings> {
  const body = deploy ?? new DeployDto();
  const standing = DEFAULT_DEPLOY_SETTINGS;
  const asked = { volumes, mayMake: false };
  return {
    strategy: or(body.strategy, standing.strategy),
    maxSurge: or(body.max_surge, standing.maxSurge),
    maxUnavailable: or(body.max_unavailable, standing.maxUnavailable),
    minHealthyMs: or(body.min_healthy_ms, standing.minHealthyMs),
    healthyDeadlineMs: or(body.healthy_deadline_ms, standing.healthyDeadlineMs),
    progressDeadlineMs: or(body.progress_deadline_ms, standing.progressDeadlineMs),
    maxFailures: or(body.max_failures, standing.maxFailures),
    monitorMs: or(body.monitor_ms, standing.monitorMs),
    autoRollback: or(body.auto_rollback, standing.autoRollback),
    preDeploy: await hookOf(aggregates, body.pre_deploy, '/deploy/pre_deploy', asked),
    postDeploy: await hookOf(aggregates, body.post_deploy, '/deploy/post_deploy', asked),
  };
}

const or = <T>(given: T | null | undefined, standing: T): T => given ?? standing;
