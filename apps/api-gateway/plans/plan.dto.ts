import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsString, ValidateNested } from 'class-validator';
import { ResourcesDto } from '../compute/container.dto.ts';

export class ChangePlanDto {
  @ApiProperty({ type: ResourcesDto })
  @IsObject()
  @ValidateNested()
  @Type(() => ResourcesDto)
  resources!: ResourcesDto;
}

export class DefinePlanDto extends ChangePlanDto {
  @ApiProperty({ type: 'string', example: 'small' })
  @IsString()
  name!: string;
}
