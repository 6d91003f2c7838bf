import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateNested } from 'class-validator';
import { DeployDockerServiceDto } from '../docker-services/deploy-docker-service.dto.ts';
import { ScaleDto } from '../docker-services/scale.dto.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { JsonObject } from '../edge/merge-patch.ts';

/** One of the three: the body of what would be sent. */
export class PreviewDto {
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'The body of a PATCH of the service.' })
  @IsOptional()
  @IsObject()
  patch?: JsonObject;

  @ApiPropertyOptional({ type: ScaleDto, description: 'The body of a scale.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ScaleDto)
  scale?: ScaleDto;

  @ApiPropertyOptional({ type: DeployDockerServiceDto, description: 'The body of a deployment.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => DeployDockerServiceDto)
  deployment?: DeployDockerServiceDto;
}

/** @throws InvalidRequest for none of them, or several */
export function refuseButOne({ patch, scale, deployment }: PreviewDto): void {
  const given = Object.entries({ patch, scale, deployment }).flatMap(([name, body]) => (body == null ? [] : [name]));
  if (given.length === 0) throw new InvalidRequest([{ pointer: '', code: 'required', detail: 'give what would be sent, under patch, scale or deployment' }]);
  if (given.length > 1) throw new InvalidRequest(given.slice(1).map((name) => ({ pointer: `/${name}`, code: 'exclusive', detail: `goes not with ${given[0]}: preview one change at a time` })));
}
