import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { dockerServiceIdOf, readService, type NewVolume } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { streamOf, type DockerServiceId, type EnvironmentId } from '#domain';
import { PreconditionFailed } from '#event-store';
import { CreateDockerServiceDto } from '../docker-services/create-docker-service.dto.ts';
import { dockerServiceNotFound } from '../docker-services/reach.ts';
import { askedIn } from '../compute/asked.ts';
import { askedOf } from '../docker-services/provide.ts';
import { Needs } from '../edge/needs.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { ref } from '../openapi/schemas.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { answerPreview, type PreviewAnswer } from './answer-preview.ts';
import { askedChange, askedCreation } from './asked-preview.ts';
import { PreviewDto, refuseButOne } from './preview.dto.ts';

/** Dry runs: what would change, where replicas would go, and what would be refused. Nothing is written. */
@ApiTags('docker-services')
@Controller('v1/docker-services')
export class PreviewController {
  constructor(private readonly gateway: Gateway) {}

  /** A dry run of a creation. It has no revision to be bound to. */
  @Post('preview')
  @Needs('developer')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Preview') })
  async creation(@Tenant() tenant: TenantContext, @Change('new') { commandId }: Mutation, @Body() body: CreateDockerServiceDto): Promise<PreviewAnswer> {
    const { parts } = this.gateway;
    const projectId = await projectOf(this.gateway, tenant, body);
    const scope = { aggregates: parts.aggregates, nodes: parts.nodes.present, projectId, environmentId: body.environment_id as EnvironmentId, commandId };
    const named = askedIn({ ...scope, madeFor: dockerServiceIdOf(commandId) });
    const { volumes } = named;
    const asked = () => askedCreation({ gateway: this.gateway, asked: named, commandId }, projectId, body);
    return answerPreview({ parts, before: null, revision: null, reading: null, volumes, asked, at: '', commandId, creates: madeIn(volumes) });
  }

  /** A dry run of a PATCH, a scale or a deployment. Its `revision`, sent as `If-Match` with the real one, makes that a 412 where the service was
   *  changed in between; what others have taken of the nodes meanwhile no revision can tell. */
  @Post(':docker_service_id/preview')
  @Needs('developer')
  @HttpCode(200)
  @ApiOkResponse({ schema: ref('Preview') })
  async change(@Tenant() tenant: TenantContext, @Change() { commandId, ifMatch }: Mutation, @Param('docker_service_id') id: string, @Body() body: PreviewDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<PreviewAnswer> {
    refuseButOne(body);
    const { parts } = this.gateway;
    const reading = await readService(parts.aggregates, id as DockerServiceId);
    if (!reading || !reaches(tenant, reading.service.projectId)) throw dockerServiceNotFound();
    const { service: before, serviceRevision: revision } = reading;
    if (ifMatch !== undefined && ifMatch !== revision) throw new PreconditionFailed(streamOf('docker_service', id), ifMatch, revision);
    const named = askedOf({ aggregates: parts.aggregates, nodes: parts.nodes.present, commandId }, before);
    const { volumes } = named;
    const asked = () => askedChange({ gateway: this.gateway, asked: named, commandId }, before, body);
    const at = body.scale ? '/scale' : body.patch ? '/patch' : '/deployment';
    reply.header('etag', `"${revision}"`);
    return answerPreview({ parts, before, revision, reading, volumes, asked, at, commandId, creates: madeIn(volumes) });
  }
}

const madeIn = (volumes: AskedVolumes) => (): readonly NewVolume[] => volumes.mounting([]).creates;
