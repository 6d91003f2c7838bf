import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import { DEFAULT_HEALTHCHECK, LIMITS, type Healthcheck, type Probe } from '#domain';
import { InvalidRequest, type FieldError } from '../edge/invalid-request.ts';
import { TextList } from '../edge/shapes.ts';

const TYPES = ['http', 'tcp', 'command'] as const;

export class HealthcheckDto {
  @ApiProperty({ enum: TYPES })
  @IsIn(TYPES)
  type!: Probe['type'];

  @ApiPropertyOptional({ type: 'string', example: '/healthz', description: 'With http. Any status from 200 to 399 is well; no redirect is followed.' })
  @IsOptional()
  @IsString()
  path?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 65_535, description: 'With http and tcp: of the container; it needn’t be among the ports.' })
  @IsOptional()
  @IsInt()
  port?: number;

  @ApiPropertyOptional({ type: [String], description: 'With command: runs in the container, without a shell, within its CPU and memory limits. Exit code 0 is well.' })
  @IsOptional()
  @TextList()
  command?: string[];

  @ApiPropertyOptional({ type: 'integer', minimum: LIMITS.minProbeIntervalMs, maximum: LIMITS.maxDurationMs, default: 10_000 })
  @IsOptional()
  @IsInt()
  interval_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.maxProbeTimeoutMs, default: 2_000 })
  @IsOptional()
  @IsInt()
  timeout_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.threshold, default: 1, description: 'Successes in a row that make it healthy.' })
  @IsOptional()
  @IsInt()
  healthy_threshold?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMITS.threshold, default: 3, description: 'Failures in a row that make it unhealthy.' })
  @IsOptional()
  @IsInt()
  unhealthy_threshold?: number;

  @ApiPropertyOptional({ enum: ['restart', 'mark'], default: 'restart', description: 'restart: within the restart policy. mark: only said.' })
  @IsOptional()
  @IsIn(['restart', 'mark'])
  on_unhealthy?: Healthcheck['onUnhealthy'];
}

/** The check that a body asks for, defaults filled in; null without one.
 *  @throws InvalidRequest for a field that its type lacks, or can't have. */
export function healthcheckOf(body: HealthcheckDto | null | undefined): Healthcheck | null {
  if (!body) return null;
  const wrong = [...needed(body), ...foreign(body)];
  if (wrong.length) throw new InvalidRequest(wrong);
  return {
    probe: probeOf(body),
    intervalMs: body.interval_ms ?? DEFAULT_HEALTHCHECK.intervalMs,
    timeoutMs: body.timeout_ms ?? DEFAULT_HEALTHCHECK.timeoutMs,
    healthyThreshold: body.healthy_threshold ?? DEFAULT_HEALTHCHECK.healthyThreshold,
    unhealthyThreshold: body.unhealthy_threshold ?? DEFAULT_HEALTHCHECK.unhealthyThreshold,
    onUnhealthy: body.on_unhealthy ?? DEFAULT_HEALTHCHECK.onUnhealthy,
  };
}

function probeOf({ type, path, port, command }: HealthcheckDto): Probe {
  if (type === 'http') return { type, path: path!, port: port! };
  return type === 'tcp' ? { type, port: port! } : { type, command: command! };
}

const FIELDS = { http: ['path', 'port'], tcp: ['port'], command: ['command'] } as const;

const needed = (body: HealthcheckDto): FieldError[] =>
  FIELDS[body.type].flatMap((field) => (body[field] == null ? [{ pointer: `/healthcheck/${field}`, code: 'required', detail: `is needed with ${body.type}` }] : []));

/** What would silently mean nothing. */
const foreign = (body: HealthcheckDto): FieldError[] =>
  (['path', 'port', 'command'] as const).flatMap((field) =>
    body[field] == null || (FIELDS[body.type] as readonly string[]).includes(field) ? [] : [{ pointer: `/healthcheck/${field}`, code: 'exclusive', detail: `has no meaning with ${body.type}` }],
  );
