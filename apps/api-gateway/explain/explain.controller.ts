import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { AgentStand, TenantContext } from '#contracts';
import type { Rejection } from '#domain';
import { scheduleNotFound } from '#application';
import {
  getDeploymentExplanation, getJobExplanation, getNodeExplanation, getScheduleExplanation, getServiceExplanation, getVolumeExplanation,
  type Explanation, type ExplainSource,
} from '#read-models';
import { deploymentNotFound } from '../deployments/answer-deployment.ts';
import { dockerServiceNotFound } from '../docker-services/reach.ts';
import { Needs, OperatorOnly } from '../edge/needs.ts';
import { ReadDto } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { jobNotFound } from '../jobs/reach.ts';
import { nodeNotFound } from '../nodes/nodes.controller.ts';
import { ref } from '../openapi/schemas.ts';
import type { ViewName } from '../projections/projections.ts';
import { volumeNotFound } from '../volumes/volumes.controller.ts';
import { ExplainDto, ExplainServiceDto } from './explain.dto.ts';
import { lastProbe } from './last-probe.ts';
import { lacksRoomToFollow } from './lacks-room.ts';
import { withLastWords } from './last-words.ts';

/** Why things are as they are, from recorded decisions: each in the same shape. */
@Controller('v1')
export class ExplainController {
  constructor(private readonly gateway: Gateway) {}

  /** Or why a single replica of it is as it is: with `replica_id`. */
  @Get('docker-services/:docker_service_id/explain')
  @Needs('viewer')
  @ApiTags('docker-services')
  @ApiOkResponse({ schema: ref('Explanation') })
  async service(@Tenant() tenant: TenantContext, @Param('docker_service_id') id: string, @Query() { min_position, replica_id: replicaId, ...reach }: ExplainServiceDto): Promise<object> {
    const explanation = await this.#explain(tenant, { views: ['services'], minPosition: min_position, notFound: dockerServiceNotFound }, (source) => getServiceExplanation(source, tenant, id, { ...reach, replicaId }));
    const lack = replicaId === undefined ? await lacksRoomToFollow(this.gateway.parts.aggregates, id) : null;
    return lack === null ? explanation : { ...explanation, summary: `${explanation.summary}; ${lack}` };
  }

  @Get('deployments/:deployment_id/explain')
  @Needs('viewer')
  @ApiTags('deployments')
  @ApiOkResponse({ schema: ref('Explanation') })
  deployment(@Tenant() tenant: TenantContext, @Param('deployment_id') id: string, @Query() { min_position, ...reach }: ExplainDto): Promise<object> {
    return this.#explain(tenant, { views: ['deployments'], minPosition: min_position, notFound: deploymentNotFound }, (source) => getDeploymentExplanation(source, tenant, id, reach));
  }

  @Get('jobs/:job_id/explain')
  @Needs('viewer')
  @ApiTags('jobs')
  @ApiOkResponse({ schema: ref('Explanation') })
  job(@Tenant() tenant: TenantContext, @Param('job_id') id: string, @Query() { min_position, ...reach }: ExplainDto): Promise<object> {
    return this.#explain(tenant, { views: ['jobs'], minPosition: min_position, notFound: jobNotFound }, (source) => getJobExplanation(source, tenant, id, reach));
  }

  @Get('schedules/:schedule_id/explain')
  @Needs('viewer')
  @ApiTags('schedules')
  @ApiOkResponse({ schema: ref('Explanation') })
  schedule(@Tenant() tenant: TenantContext, @Param('schedule_id') id: string, @Query() { min_position, ...reach }: ExplainDto): Promise<object> {
    return this.#explain(tenant, { views: ['schedules'], minPosition: min_position, notFound: scheduleNotFound }, (source) => getScheduleExplanation(source, tenant, id, reach));
  }

  /** Where it is and why, or why it is on no node. */
  @Get('volumes/:volume_id/explain')
  @Needs('viewer')
  @ApiTags('volumes')
  @ApiOkResponse({ schema: ref('Explanation') })
  volume(@Tenant() tenant: TenantContext, @Param('volume_id') id: string, @Query() { min_position, ...reach }: ExplainDto): Promise<object> {
    return this.#explain(tenant, { views: ['volumes'], minPosition: min_position, notFound: volumeNotFound }, (source) => getVolumeExplanation(source, tenant, id, reach));
  }

  /** Why it takes nothing, or isn't heard; the latest of what it came to, all at once. */
  @Get('nodes/:node_id/explain')
  @ApiTags('nodes')
  @OperatorOnly()
  @ApiOkResponse({ schema: ref('Explanation') })
  node(@Tenant() tenant: TenantContext, @Param('node_id') id: string, @Query() { min_position }: ReadDto): Promise<object> {
    return this.#explain(tenant, { views: [], minPosition: min_position, notFound: nodeNotFound }, (source) => getNodeExplanation(source, tenant, id));
  }

  async #explain(tenant: TenantContext, asked: Asked, read: (source: ExplainSource) => Promise<Explanation | null>): Promise<Explanation> {
    const { store, nodes, heard, bus } = this.gateway.parts;
    const source: ExplainSource = {
      ...this.gateway.reads,
      store,
      nodeStory: (nodeId) => nodes.story(nodeId),
      refusing: (nodeId) => lasting(heard.refusing(nodeId)),
      lastProbe: (nodeId, replicaId) => lastProbe(bus, nodeId, replicaId),
    };
    const explanation = await this.gateway.one([...asked.views, 'audit', 'replicas', 'nodes'], asked.minPosition, () => read(source), asked.notFound);
    return withLastWords(this.gateway, tenant, explanation);
  }
}

/** What goes on from elsewhere than the agent stands is built anew at once: that refusal says nothing. */
const lasting = (refusing: AgentStand['refusing']): string | null => (refusing && refusing.code !== 'unknown_base' ? refusing.message : null);

interface Asked {
  readonly views: readonly ViewName[];
  readonly minPosition: string | undefined;
  readonly notFound: () => Rejection;
}
