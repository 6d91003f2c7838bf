import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Rejection, type OriginId } from '#domain';
import { OperatorOnly } from '../edge/needs.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';

@ApiTags('origins')
@Controller('v1/origins/:origin_id')
@OperatorOnly()
export class OriginsController {
  constructor(private readonly gateway: Gateway) {}

  /** The address behind an `origin_id` of the audit. */
  @Get()
  @ApiOkResponse({ schema: ref('Origin') })
  async get(@Param('origin_id') id: string): Promise<object> {
    const origin = await this.gateway.parts.identities.findOrigin(id as OriginId);
    if (!origin) throw new Rejection('not_found', 'origin.not_found', 'no address is known under this id: it was forgotten, or there never was one');
    return { origin_id: origin.originId, address: origin.address };
  }

  /** Events keep the id; nobody can say any more whose it was. */
  @Delete()
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Forgotten.' })
  async forget(@Param('origin_id') id: string): Promise<void> {
    await this.gateway.origins.forget(id as OriginId);
  }
}
