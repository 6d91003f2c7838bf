import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { IsIdOf } from './shapes.ts';

/** What narrows a list of things down that belong to an environment. */
export class WithinDto {
  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsIdOf('env')
  environment_id?: string;
}

/** The same of things that have a name there. */
export class NamedWithinDto extends WithinDto {
  @ApiPropertyOptional({ type: 'string' })
  @IsOptional()
  @IsString()
  name?: string;
}

/** Where a thing is to be made that belongs to an environment. */
export class MadeWithinDto {
  @ApiPropertyOptional({ type: 'string', description: 'Implied by the environment; given, it must agree.' })
  @IsOptional()
  @IsIdOf('prj')
  project_id?: string;

  @ApiProperty({ type: 'string' })
  @IsIdOf('env')
  environment_id!: string;
}
