import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { changeSchedule, createdSchedule, createSchedule, Dispatcher, scheduleIdOf, scheduleNotFound, specOfTemplate, standingOr, standingSchedule, ToSchedule, type NewSchedule } from '#application';
import { reaches, type TenantContext } from '#contracts';
import { schedule as scheduleRules, streamOf, type ExistingSchedule, type ScheduleId, type ScheduleSettings } from '#domain';
import { cronCalendar } from '#platform';
import { getSchedule, listEvents, listSchedules, ownerOf, type ScheduleAnswer } from '#read-models';
import { streamLog, wantsStream } from '../audit/event-stream.ts';
import { ListEventsDto } from '../audit/events.dto.ts';
import { refuseJobThatCanNeverRun } from '../docker-services/admission.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Mutation } from '../edge/mutation.ts';
import { Needs } from '../edge/needs.ts';
import { listed, ReadOneDto } from '../edge/paging.dto.ts';
import { Change, Tenant } from '../edge/request.ts';
import { Gateway } from '../gateway.ts';
import { askedJob } from '../jobs/asked-job.ts';
import type { JobDto } from '../jobs/job.dto.ts';
import { eventsContent, listOf, ref } from '../openapi/schemas.ts';
import { ChangeScheduleDto, CreateScheduleDto, ListSchedulesDto } from './schedule.dto.ts';

@ApiTags('schedules')
@Controller('v1/schedules')
export class SchedulesController {
  constructor(
    private readonly gateway: Gateway,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Makes a job at every due minute. */
  @Post()
  @Needs('developer')
  @ApiCreatedResponse({ schema: ref('Schedule') })
  async create(@Tenant() tenant: TenantContext, @Change('new') change: Mutation, @Body() body: CreateScheduleDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const id = scheduleIdOf(change.commandId);
    // A retry is answered by what stands, whatever became of the service or the nodes since.
    const asked = await standingOr(() => this.#made(id), () => this.#new(tenant, change, body));
    this.gateway.accept(reply, await createSchedule(this.#parts, asked, change.metadata(asked.projectId)));
    reply.header('location', `/v1/schedules/${id}`);
    return this.#one(tenant, id);
  }

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('Schedule'), description: 'The latest first.' })
  async list(@Tenant() tenant: TenantContext, @Query() { min_position, ...query }: ListSchedulesDto): Promise<object> {
    await this.gateway.fresh(['schedules'], min_position);
    const { items, next } = await listSchedules(this.gateway.reads, tenant, query);
    return listed({ items: items.map((schedule) => this.#shown(schedule)), next });
  }

  @Get(':schedule_id')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Schedule') })
  async get(@Tenant() tenant: TenantContext, @Param('schedule_id') id: string, @Query() { at, min_position }: ReadOneDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const schedule = at === undefined ? await this.#one(tenant, id, min_position) : await this.#asOf(tenant, id, at);
    reply.header('etag', `"${schedule.revision}"`);
    return schedule;
  }

  /** From now on: nothing that was due before is made good. */
  @Patch(':schedule_id')
  @Needs('developer')
  @ApiOkResponse({ schema: ref('Schedule') })
  async change(
    @Tenant() tenant: TenantContext,
    @Change() change: Mutation,
    @Param('schedule_id') id: string,
    @Body() body: ChangeScheduleDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const before = await this.#reach(tenant, id);
    const { cron, time_zone: timeZone, concurrency } = body;
    const given = { cron, timeZone, concurrency, job: body.job && (await this.#sameEnvironment(tenant, change, before, body.job)) };
    const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)) as Partial<ScheduleSettings>;
    const asked = { settings, paused: body.paused };
    this.gateway.accept(reply, await changeSchedule(this.#parts, before, asked, { metadata: change.metadata(before.projectId), options: { ifMatch: change.ifMatch } }));
    return this.#one(tenant, id);
  }

  /** Jobs that it has made run on. */
  @Delete(':schedule_id')
  @Needs('developer')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'It makes no more jobs.' })
  async delete(@Tenant() tenant: TenantContext, @Change() change: Mutation, @Param('schedule_id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const { state } = await this.gateway.parts.aggregates.load(scheduleRules, streamOf('schedule', id));
    if (state.status === 'absent' || !reaches(tenant, state.projectId)) throw scheduleNotFound();
    this.gateway.accept(reply, await this.dispatcher.send(new ToSchedule(id, { type: 'DeleteSchedule', data: {} }, change.metadata(state.projectId), { ifMatch: change.ifMatch })));
  }

  /** What it fired and passed over, and why; live with `Accept: text/event-stream`. */
  @Get(':schedule_id/events')
  @Needs('viewer')
  @ApiOkResponse({ content: eventsContent })
  async events(
    @Tenant() tenant: TenantContext,
    @Param('schedule_id') id: string,
    @Query() { min_position, after, cursor, limit }: ListEventsDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#one(tenant, id, min_position);
    if (wantsStream(request)) return streamLog(this.gateway, request, reply, tenant, { after, prefixes: [`schedule-${id}`], wanted: (event) => ownerOf(event) === id });
    await this.gateway.fresh(['audit'], min_position);
    reply.send(listed(await listEvents(this.gateway.reads, tenant, id, { after: cursor ?? after, limit })));
  }

  async #new(tenant: TenantContext, change: Mutation, { cron, time_zone: timeZone = 'UTC', concurrency = 'forbid', job: body }: CreateScheduleDto): Promise<NewSchedule> {
    const { projectId, environmentId, job } = await this.#asked(tenant, change, body);
    return { projectId, environmentId, cron, timeZone, concurrency, job };
  }

  async #made(id: ScheduleId): Promise<NewSchedule | null> {
    const before = await createdSchedule(this.gateway.parts.aggregates, id);
    return before && { projectId: before.projectId, environmentId: before.environmentId, ...before.settings };
  }

  get #parts() {
    return { dispatcher: this.dispatcher, aggregates: this.gateway.parts.aggregates };
  }

  async #asked(tenant: TenantContext, { commandId }: Mutation, body: JobDto) {
    const { projectId, environmentId, template } = await askedJob(this.gateway, tenant, body, { at: '/job', commandId, mayMake: false });
    refuseJobThatCanNeverRun(this.gateway.parts.nodes.present, { projectId, spec: await specOfTemplate(this.gateway.parts.aggregates, template) }, '/job');
    return { projectId, environmentId, job: template };
  }

  /** A schedule stays where it is. */
  async #sameEnvironment(tenant: TenantContext, change: Mutation, before: ExistingSchedule, body: JobDto): Promise<ScheduleSettings['job']> {
    const named = body.docker_service_id == null ? { environment_id: before.environmentId, ...body } : body;
    const { environmentId, job } = await this.#asked(tenant, change, named as JobDto);
    if (environmentId === before.environmentId) return job;
    const pointer = body.docker_service_id == null ? '/job/environment_id' : '/job/docker_service_id';
    throw new InvalidRequest([{ pointer, code: 'immutable', detail: 'a schedule stays in its environment: create another one there' }]);
  }

  async #reach(tenant: TenantContext, id: string): Promise<ExistingSchedule> {
    const schedule = await standingSchedule(this.gateway.parts.aggregates, id as ScheduleId);
    if (!reaches(tenant, schedule.projectId)) throw scheduleNotFound();
    return schedule;
  }

  async #one(tenant: TenantContext, id: string, minPosition?: string) {
    return this.#shown(await this.gateway.one(['schedules'], minPosition, () => getSchedule(this.gateway.reads, tenant, id), scheduleNotFound));
  }

  async #asOf(tenant: TenantContext, id: string, at: string) {
    return this.#shown(await this.gateway.past(at, id, (reads) => getSchedule(reads, tenant, id), scheduleNotFound), Date.parse(at));
  }

  /** With when it comes due next; null while it is paused. */
  #shown(schedule: ScheduleAnswer, now = this.gateway.parts.clock.now()) {
    const next = schedule.paused ? null : cronCalendar(schedule.cron, schedule.time_zone, now).next(now);
    return { ...schedule, next_at: next === null ? null : new Date(next).toISOString() };
  }
}
