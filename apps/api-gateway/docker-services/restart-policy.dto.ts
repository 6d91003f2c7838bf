import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional } from 'class-validator';
import { ALWAYS, LIMITS, type RestartPolicy } from '#domain';

const NAMES = ['always', 'unless-stopped', 'on-failure', 'no'] as const;

export class RestartPolicyDto {
  @ApiProperty({ enum: NAMES, default: 'always' })
  @IsIn(NAMES)
  name!: RestartPolicy['name'];

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.maxRetries, default: 0, description: 'Restarts within the window before it is FAILED for good; 0: no limit.' })
  @IsOptional()
  @IsInt()
  max_retries?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: LIMITS.maxDurationMs, description: 'Default: at once first, then 1 s doubling to 60 s. Given, it stays the same unless backoff is exponential.' })
  @IsOptional()
  @IsInt()
  delay_ms?: number;

  @ApiPropertyOptional({ enum: ['constant', 'exponential'], description: 'Default: constant with a delay_ms, else exponential.' })
  @IsOptional()
  @IsIn(['constant', 'exponential'])
  backoff?: RestartPolicy['backoff'];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.maxDurationMs, description: 'In which max_retries counts. Default: wide enough for the retries and their delays.' })
  @IsOptional()
  @IsInt()
  window_ms?: number;

  @ApiPropertyOptional({ enum: ['fail', 'replace'], default: 'fail', description: 'Retries spent: it stays FAILED, or another node is tried.' })
  @IsOptional()
  @IsIn(['fail', 'replace'])
  on_exhausted?: RestartPolicy['onExhausted'];
}

/** The policy that a body asks for, defaults filled in. */
export function restartPolicyOf(body: RestartPolicyDto | null | undefined): RestartPolicy {
  if (!body) return ALWAYS;
  const delayMs = body.delay_ms ?? null;
  return {
    name: body.name,
    maxRetries: body.max_retries ?? ALWAYS.maxRetries,
    delayMs,
    backoff: body.backoff ?? (delayMs === null ? 'exponential' : 'constant'),
    windowMs: body.window_ms ?? null,
    onExhausted: body.on_exhausted ?? ALWAYS.onExhausted,
  };
}
