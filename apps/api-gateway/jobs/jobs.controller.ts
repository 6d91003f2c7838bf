import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createJob, Dispatcher, jobCreatedBefore, jobIdOf, rerunIdOf, rerunJob, standingOr, ToJob, type NewJob } from '#application';
import type { TenantContext } from '#contracts';
import type { JobId } from '#domain';
import { getJob, listJobs, listJobsAt } from '#read-models';
import { refuseUnknownValues } from '../compute/resolve-values.ts';
import { refuseJobThatCanNeverRun } from '../docker-services/admission.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Nothing } from '../edge/validation.pipe.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { askedJob, askedNow } from './asked-job.ts';
import { JobDto, ListJobsDto } from './job.dto.ts';
import { jobNotFound, reachJob } from './reach.ts';

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** A container that runs once to its end. */
  @Post()
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Job') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: JobDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const id = jobIdOf(change.commandId);
    const handled = await standingOr(() => this.#before(id, change), async () => {
      const asked = await this.#asked(tenant, change, body);
      return createJob(this.#parts, asked, change.metadata(asked.projectId));
    });
    this.gateway.accept(reply, handled);
    return this.#made(tenant, id, reply);
  }

  async #asked(tenant: TenantContext, { commandId }: Mutation, body: JobDto): Promise<NewJob> {
    const job = await askedJob(this.gateway, tenant, body, { at: '', commandId, mayMake: true });
    const asked = await askedNow(this.gateway, job);
    refuseJobThatCanNeverRun(this.gateway.parts.nodes.present, { ...asked, volumeNeeds: job.asked.volumes.needs(asked.spec.volumes) });
    return asked;
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Job'), description: 'The latest first.' })
  async list(@Tenant() tenant: TenantContext, @Query() { at, min_position, ...query }: ListJobsDto): Promise<object> {
    await this.gateway.fresh(['jobs'], min_position);
    if (at !== undefined) return listed(await listJobsAt(this.gateway.parts, tenant, at, query));
    return listed(await listJobs(this.gateway.reads, tenant, query));
  }

  @Get(':job_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Job') })
  async get(@Tenant() tenant: TenantContext, @Param('job_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const job = at === undefined ? await this.#one(tenant, id, min_position) : await this.gateway.past(at, id, (reads) => getJob(reads, tenant, id), jobNotFound);
    reply.header('etag', `"${job.revision}"`);
    return job;
  }

  /** Runs the same container again, as a new job: the same release too, where it came from one. */
  @Post(':job_id/run')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Job') })
  async run(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Param('job_id') source: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const definition = await reachJob(this.gateway.parts.aggregates, tenant, source);
    const id = rerunIdOf(change.commandId, source as JobId);
    const handled = await standingOr(() => this.#before(id, change), async () => {
      const { secrets, configs, registryCredentials } = definition.spec;
      // Once a job has ended, what it was given may go.
      await refuseUnknownValues(this.gateway.parts.aggregates, definition, { secrets, configs, registryCredentials });
      refuseJobThatCanNeverRun(this.gateway.parts.nodes.present, definition);
      return rerunJob(this.#parts, definition, change.metadata(definition.projectId));
    });
    this.gateway.accept(reply, handled);
    return this.#made(tenant, id, reply);
  }

  /** Stops its container; it is CANCELLED when its engine has said so. */
  @Post(':job_id/cancel')
  @Needs('developer')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Job') })
  async cancel(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('job_id') id: string, @Body() _body: Nothing, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { projectId } = await reachJob(this.gateway.parts.aggregates, tenant, id);
    const metadata = change.metadata(projectId);
    const data = { reason: { code: 'cancelled', message: 'it was cancelled by request' }, requestedAt: new Date(metadata.now).toISOString() };
    this.gateway.accept(reply, await this.dispatcher.send(new ToJob(id, { type: 'CancelJob', data }, metadata, { ifMatch: change.ifMatch })));
    return this.#one(tenant, id);
  }

  get #parts() {
    return { dispatcher: this.dispatcher, aggregates: this.gateway.parts.aggregates };
  }

  /** A retry is answered by what stands, whatever became of the service or the nodes since. */
  #before(id: JobId, change: Mutation) {
    return jobCreatedBefore(this.#parts, id, (projectId) => change.metadata(projectId));
  }

  #made(tenant: TenantContext, id: JobId, reply: FastifyReply) {
    reply.header('location', `/v1/jobs/${id}`);
    return this.#one(tenant, id);
  }

  #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.gateway.one(['jobs'], minPosition, () => getJob(this.gateway.reads, tenant, id), jobNotFound);
  }
}
