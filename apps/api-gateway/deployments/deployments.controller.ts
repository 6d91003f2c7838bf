import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Dispatcher, ToDockerService } from '#application';
import type { TenantContext } from '#contracts';
import { getDeployment } from '#read-models';
import { wantsStream } from '../audit/event-stream.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Nothing } from '../edge/validation.pipe.ts';
import { Gateway } from '../gateway.ts';
import { deploymentContent, ref } from '../openapi/schemas.ts';
import { answerDeployment, deploymentNotFound, DEPLOYMENT_VIEWS } from './answer-deployment.ts';
import { streamProgress } from './progress-stream.ts';

@ApiTags('deployments')
@Controller('v1/deployments')
export class DeploymentsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** With its steps, its replicas, why each waits and until when. With `Accept: text/event-stream` again whenever anything of it has
   *  changed, until it has ended. */
  @Get(':deployment_id')
  @Needs('viewer', 'deploys')
  @ApiOkResponse({ content: deploymentContent })
  async get(@Tenant() tenant: TenantContext, @Param('deployment_id') id: string, @Query() { at, min_position }: ReadOneDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (at !== undefined) return void reply.send(await this.gateway.past(at, id, (reads) => getDeployment(reads, tenant, id), deploymentNotFound));
    if (wantsStream(request)) return streamProgress(this.gateway, reply, tenant, id, min_position);
    reply.send(await answerDeployment(this.gateway, tenant, id, min_position));
  }

  /** It goes back to the last stable release, and ends CANCELLED. */
  @Post(':deployment_id/cancel')
  @Needs('developer', 'deploys')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Deployment') })
  async cancel(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('deployment_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { docker_service_id, project_id } = await this.gateway.one(DEPLOYMENT_VIEWS, undefined, () => getDeployment(this.gateway.reads, tenant, id), deploymentNotFound);
    const command = { type: 'CancelDeployment', data: { deploymentId: id as `dep_${string}` } } as const;
    this.gateway.accept(reply, await this.dispatcher.send(new ToDockerService(docker_service_id, command, change.metadata(project_id), { ifMatch: change.ifMatch })));
    return answerDeployment(this.gateway, tenant, id);
  }
}
