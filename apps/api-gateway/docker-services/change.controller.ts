import { Body, Controller, Param, Patch, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiTags, PartialType } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { changeDockerService, Dispatcher, mountsOfService, startedDeployment } from '#application';
import { provide, volumesOf } from '../volumes/service-volumes.ts';
import type { TenantContext } from '#contracts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { isObject } from '../edge/merge-patch.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { refuseChangeThatCanNeverRun } from './admission.ts';
import { answerService } from './answer-service.ts';
import { changedDockerService } from './changed-docker-service.ts';
import { CreateDockerServiceDto } from './create-docker-service.dto.ts';
import { reachDockerService } from './reach.ts';

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
   *  `replicas`, `deploy` and `labels` are the service's own: 200 where nothing else changes. */
  @Patch()
  @ApiBody({ type: PatchDockerServiceDto })
  @ApiAcceptedResponse({ schema: ref('DockerService'), description: 'A release was cut; `deployment_id` moves the service to it.' })
  @ApiOkResponse({ schema: ref('DockerService'), description: 'Changed, or so already: nothing rolls.' })
  async change(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() body: object, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const patch = body ?? {};
    if (!isObject(patch)) throw new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }]);
    const { aggregates, nodes } = this.gateway.parts;
    const { projectId } = await reachDockerService(aggregates, tenant, id);
    const handled = await changeDockerService(
      { dispatcher: this.dispatcher, aggregates },
      {
        dockerServiceId: id,
        ifMatch: change.ifMatch,
        from: async (service) => {
          const { commandId } = change;
          const volumes = volumesOf({ aggregates, nodes: nodes.present, commandId }, service);
          const command = await changedDockerService(aggregates, service, patch, { volumes, commandId });
          const { spec = {}, deploy = {} } = command.data;
          refuseChangeThatCanNeverRun(nodes.present, service, { ...command.data, volumeNeeds: volumes.needs(command.data.spec?.volumes) });
          await provide({ dispatcher: this.dispatcher, aggregates }, service, volumes.mounting(mountsOfService(spec, deploy)), change);
          return command;
        },
      },
      change.metadata(projectId),
    );
    this.gateway.accept(reply, handled);
    const deploymentId = startedDeployment(handled);
    reply.code(deploymentId === null ? 200 : 202);
    return answerService(this.gateway, tenant, id, deploymentId);
  }
}
