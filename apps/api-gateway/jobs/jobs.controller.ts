import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createJob, Dispatcher, isRepeatOfJob, jobIdOf } from '#application';
import type { TenantContext } from '#contracts';
import { JOB_TIMEOUT, NO_RESTART, type EnvironmentId } from '#domain';
import { getJob, listJobs } from '#read-models';
import { containerSpec, nameFromImage } from '../compute/container-spec.ts';
import { refuseJobThatCanNeverRun } from '../docker-services/admission.ts';
import type { Mutation } from '../edge/mutation.ts';
import { listed, ReadDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { projectOf } from '../environments/reach.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { CreateJobDto, ListJobsDto } from './job.dto.ts';
import { jobNotFound } from './reach.ts';

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** A container that runs once to its end. */
  @Post()
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Job') })
  async create(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Body() body: CreateJobDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { aggregates, nodes } = this.gateway.parts;
    const projectId = await projectOf(this.gateway, tenant, body);
    const spec = { ...(await containerSpec(aggregates, body, [])), restartPolicy: NO_RESTART };
    if (!(await isRepeatOfJob(aggregates, change.commandId))) refuseJobThatCanNeverRun(nodes.present, spec);
    const asked = {
      projectId,
      environmentId: body.environment_id as EnvironmentId,
      name: body.name ?? nameFromImage(spec.image),
      spec,
      timeoutMs: body.timeout_ms ?? JOB_TIMEOUT.defaultMs,
    };
    this.gateway.accept(reply, await createJob({ dispatcher: this.dispatcher, aggregates }, asked, change.metadata(projectId)));
    const id = jobIdOf(change.commandId);
    reply.header('location', `/v1/jobs/${id}`);
    return this.#one(tenant, id);
  }

  @Get()
  @ApiOkResponse({ schema: listOf('Job'), description: 'The latest first.' })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListJobsDto): Promise<object> {
    await this.gateway.fresh(['jobs'], min_position);
    return listed(await listJobs(this.gateway.reads, tenant, query));
  }

  @Get(':job_id')
  @ApiOkResponse({ schema: ref('Job') })
  async get(@Tenant() tenant: TenantContext, @Param('job_id') id: string, @Query() { min_position }: ReadDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const job = await this.#one(tenant, id, min_position);
    reply.header('etag', `"${job.revision}"`);
    return job;
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['jobs'], minPosition, () => getJob(this.gateway.reads, tenant, id), jobNotFound);
  }
}
