import { Body, Controller, Param, Patch, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiTags, PartialType } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Dispatcher } from '#application';
import type { TenantContext } from '#contracts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { isObject } from '../edge/merge-patch.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { ApplyDto } from '../values/held-value.dto.ts';
import { changeService } from './change-service.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';

/** For the description only: what is merged is validated, not the patch. */
class PatchDockerServiceDto extends PartialType(CreateDockerServiceDto) {}

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id')
export class ChangeController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** A merge patch (RFC 7396) of the body that would create it. What shapes its containers makes a release and a deployment of it: 202.
   *  `replicas`, `deploy` and `labels` are the service's own: 200 where nothing else changes, and with `apply=next_deploy`: the next
   *  deployment cuts the release. */
  @Patch()
  @Needs('developer')
  @ApiBody({ type: PatchDockerServiceDto })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: 'A release was cut; `deployment_id` moves the service to it.' })
  @ApiOkResponse({ schema: ref('DockerService'), description: 'Changed, or so already: nothing rolls.' })
  async change(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Query() { apply }: ApplyDto, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const patch = body ?? {};
    if (!isObject(patch)) throw new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }]);
    return changeService({ gateway: this.gateway, dispatcher: this.dispatcher }, { tenant, change, id, apply, reply }, () => patch);
  }
}
