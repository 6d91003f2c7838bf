import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { changeDockerService, deploymentIdOf, Dispatcher, startedDeployment } from '#application';
import type { TenantContext } from '#contracts';
import type { DockerServiceCommand, ExistingDockerService } from '#domain';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Nothing } from '../edge/validation.pipe.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import { refuseSurgeBeyondHostPorts } from './admission.ts';
import { answerService } from './answer-service.ts';
import { reachDockerService } from './reach.ts';

/** The moves of a service that take no words. One that can't be made from where it stands is a conflict with the reason. */
@ApiTags('docker-services')
@Controller('v1/docker-services/:docker_service_id')
export class LifecycleController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Leaves a pause, a stop, or a halt; the last by a deployment of what failed. */
  @Post('start')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  start(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#move({ tenant, change, id, reply }, { type: 'StartDockerService', data: { deploymentId: deploymentIdOf(change.commandId) } });
  }

  /** Its containers are removed and their room is given back; configuration and names are kept. */
  @Post('stop')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  stop(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#move({ tenant, change, id, reply }, { type: 'StopDockerService', data: {} });
  }

  /** Its containers are stopped and kept, with their room and ports. */
  @Post('pause')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  pause(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#move({ tenant, change, id, reply }, { type: 'PauseDockerService', data: {} });
  }

  /** The same containers are started again. */
  @Post('resume')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  resume(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#move({ tenant, change, id, reply }, { type: 'ResumeDockerService', data: { deploymentId: deploymentIdOf(change.commandId) } });
  }

  /** A deployment of the same release: every container is replaced, in the service's own way. */
  @Post('restart')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('DockerService') })
  restart(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('docker_service_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.#move({ tenant, change, id, reply }, { type: 'RestartDockerService', data: { deploymentId: deploymentIdOf(change.commandId) } });
  }

  async #move({ tenant, change, id, reply }: Asked, command: DockerServiceCommand): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    const { projectId } = await reachDockerService(aggregates, tenant, id);
    const from = async (service: ExistingDockerService): Promise<DockerServiceCommand> => {
      if (command.type === 'RestartDockerService') refuseSurgeBeyondHostPorts(nodes.present, service);
      return command;
    };
    const parts = { dispatcher: this.dispatcher, aggregates };
    const handled = await changeDockerService(parts, { dockerServiceId: id, ifMatch: change.ifMatch, from }, change.metadata(projectId));
    this.gateway.accept(reply, handled);
    return answerService(this.gateway, tenant, id, startedDeployment(handled));
  }
}

interface Asked {
  readonly tenant: TenantContext;
  readonly change: Mutation;
  readonly id: string;
  readonly reply: FastifyReply;
}
