import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { changeDockerService, Dispatcher } from '#application';
import type { TenantContext } from '#contracts';
import type { DockerServiceCommand, ExistingDockerService } from '#domain';
import { getService } from '#read-models';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { refuseScaleBeyondHostPorts } from './admission.ts';
import { dockerServiceNotFound, reachDockerService } from './reach.ts';
import { ScaleDto } from './scale.dto.ts';

@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id/scale')
export class ScaleController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Changes how many replicas are wanted; 0 keeps the service and runs none. No release is cut. */
  @Post()
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  async scale(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('docker_service_id') id: string,
    @Body() { replicas }: ScaleDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    const { projectId } = await reachDockerService(aggregates, tenant, id);
    const from = async (service: ExistingDockerService): Promise<DockerServiceCommand> => {
      refuseScaleBeyondHostPorts(nodes.present, service, replicas);
      return { type: 'ScaleDockerService', data: { replicas } };
    };
    this.gateway.accept(reply, await changeDockerService({ dispatcher: this.dispatcher, aggregates }, { dockerServiceId: id, ifMatch: change.ifMatch, from }, change.metadata(projectId)));
    return this.gateway.one(['services', 'nodes'], undefined, () => getService(this.gateway.reads, tenant, id), dockerServiceNotFound);
  }
}
