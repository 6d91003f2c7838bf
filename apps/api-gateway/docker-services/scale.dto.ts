import { ApiProperty } from '@nestjs/swagger';
import { IsInt } from 'class-validator';

export class ScaleDto {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'How many are wanted from now on.' })
  @IsInt()
  replicas!: number;
}
