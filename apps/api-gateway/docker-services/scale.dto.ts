import { ApiProperty } from '@nestjs/swagger';
import { IsInt } from 'class-validator';
import { LIMITS } from '#domain';

export class ScaleDto {
  @ApiProperty({ type: 'integer', minimum: 0, maximum: LIMITS.replicas, description: 'How many are wanted from now on.' })
  @IsInt()
  replicas!: number;
}
