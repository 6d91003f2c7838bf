import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { Quota } from '#domain';

const amount = (description: string, example: number) => ({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, nullable: true, example, description: `${description}. Left out or null: no limit.` }) as const;

/** A whole quota, in place of the one before. */
export class QuotaDto {
  @ApiPropertyOptional(amount('Thousandths of a core, by the limits of containers', 4_000))
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  max_cpu_millis?: number | null;

  @ApiPropertyOptional(amount('Bytes of memory, by the limits of containers', 8_589_934_592))
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  max_memory_bytes?: number | null;

  @ApiPropertyOptional(amount('Wanted replicas of services, and each job that has not ended as one; what a roll has above does not count', 20))
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  max_replicas?: number | null;

  @ApiPropertyOptional(amount('Bytes, by the sizes that volumes are held to', 107_374_182_400))
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  max_volumes_bytes?: number | null;
}

export const quotaOf = ({ max_cpu_millis, max_memory_bytes, max_replicas, max_volumes_bytes }: QuotaDto): Quota => ({
  cpuMillis: max_cpu_millis ?? null,
  memoryBytes: max_memory_bytes ?? null,
  replicas: max_replicas ?? null,
  volumesBytes: max_volumes_bytes ?? null,
});
