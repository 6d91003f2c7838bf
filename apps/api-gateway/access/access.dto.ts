import { ApiProperty, ApiPropertyOptional, ApiExtraModels } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, ValidateNested } from 'class-validator';
import { PROJECT_ROLES, TOKEN_LIFE, type ProjectRole } from '#domain';
import { IsIdOf } from '../edge/shapes.ts';

const NAME = { type: 'string', minLength: 1, maxLength: 128 } as const;
/** No control characters: names are shown in lists and terminals. */
const SHOWN = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]*$/u;
const IsShown = () => Matches(SHOWN, { message: 'must hold no control or invisible characters' });

/** Letters that look alike are no other login: ASCII only, in lower case. */
export const LOGIN = /^[a-z0-9](?:[a-z0-9._+@-]{0,126}[a-z0-9])?$/;
const LOGIN_RULE = 'must be 1 to 128 of a to z, 0 to 9, and . _ + @ - between them, like ann@example.com';
const login = { type: 'string', maxLength: 128, pattern: LOGIN.source, example: 'ann@example.com' } as const;
/** NIST SP 800-63B asks for length alone. */
const PASSWORD = { least: 12, most: 256 } as const;
const password = { type: 'string', minLength: PASSWORD.least, maxLength: PASSWORD.most, writeOnly: true } as const;
const role = { enum: [...PROJECT_ROLES] };

export class PutMemberDto {
  @ApiProperty(role)
  @IsIn(PROJECT_ROLES)
  role!: ProjectRole;
}

export class AddMemberDto extends PutMemberDto {
  @ApiPropertyOptional({ type: 'string', description: 'This or login.' })
  @IsOptional()
  @IsIdOf('usr')
  user_id?: string;

  @ApiPropertyOptional(login)
  @IsOptional()
  @Matches(LOGIN, { message: LOGIN_RULE })
  login?: string;
}

export class TokenScopeDto {
  @ApiPropertyOptional({ type: 'string', description: 'One service of the project.' })
  @IsOptional()
  @IsIdOf('svc')
  docker_service_id?: string;

  @ApiPropertyOptional({ type: 'string', description: 'One environment of the project.' })
  @IsOptional()
  @IsIdOf('env')
  environment_id?: string;

  @ApiPropertyOptional({ type: 'array', minItems: 1, maxItems: 1, items: { type: 'string', enum: ['deploy'] }, description: 'Only to deploy, roll back and cancel, and to read what comes of it. Left out: all that the role may.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1)
  @IsIn(['deploy'], { each: true })
  actions?: 'deploy'[];
}

@ApiExtraModels(TokenScopeDto)
export class IssueTokenDto {
  @ApiProperty({ ...NAME, example: 'ci of the shop' })
  @IsString()
  @Length(1, 128)
  @IsShown()
  name!: string;

  @ApiProperty(role)
  @IsIn(PROJECT_ROLES)
  role!: ProjectRole;

  @ApiPropertyOptional({ type: TokenScopeDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => TokenScopeDto)
  scope?: TokenScopeDto | null;

  @ApiProperty({ type: 'integer', minimum: TOKEN_LIFE.least, maximum: TOKEN_LIFE.most, example: 7_776_000_000 })
  @IsInt()
  expires_in_ms!: number;
}

export class CreateUserDto {
  @ApiProperty(login)
  @IsString()
  @Matches(LOGIN, { message: LOGIN_RULE })
  login!: string;

  @ApiPropertyOptional({ ...NAME, nullable: true })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  @IsShown()
  name?: string | null;

  @ApiProperty(password)
  @IsString()
  @Length(PASSWORD.least, PASSWORD.most)
  password!: string;

  @ApiPropertyOptional({ type: 'boolean', default: false, description: 'Runs the platform, as whoever has the operator’s token.' })
  @IsOptional()
  @IsBoolean()
  operator?: boolean;
}

export class ChangePasswordDto {
  @ApiProperty(password)
  @IsString()
  @Length(PASSWORD.least, PASSWORD.most)
  password!: string;

  @ApiPropertyOptional({ type: 'string', maxLength: PASSWORD.most, writeOnly: true, description: 'Needed of whoever changes their own.' })
  @IsOptional()
  @IsString()
  @Length(0, PASSWORD.most)
  current_password?: string;
}

export class SignInDto {
  @ApiProperty({ type: 'string', minLength: 1, maxLength: 128 })
  @IsString()
  @Length(1, 128)
  login!: string;

  @ApiProperty({ type: 'string', minLength: 1, maxLength: PASSWORD.most, writeOnly: true })
  @IsString()
  @Length(1, PASSWORD.most)
  password!: string;
}
