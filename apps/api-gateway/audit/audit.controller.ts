import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { TenantContext } from '#contracts';
import { PLATFORM, Rejection } from '#domain';
import type { VerifiedChain } from '#event-store';
import { Changes, differencesBetween, everyAudit, findAudit, getOneAt, reachesDocument } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { Needs } from '../edge/needs.ts';
import { listed } from '../edge/paging.dto.ts';
import { Tenant } from '../edge/request.ts';
import { streamText } from '../edge/stream-text.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import { asUtc, DiffDto, ExportAuditDto, filterOf, FindAuditDto } from './audit.dto.ts';
import { KnownPeople } from './known-people.ts';

@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly gateway: Gateway) {}

  @Get()
  @Needs('viewer')
  @ApiOkResponse({ schema: listOf('AuditEntry'), description: 'Who did what to which thing, the latest first.' })
  async find(@Tenant() tenant: TenantContext, @Query() { min_position, cursor, limit, ...asked }: FindAuditDto): Promise<object> {
    await this.gateway.fresh(['audit', 'members'], min_position);
    const page = await findAudit(this.gateway.reads, tenant, { ...filterOf(asked), cursor, limit }, new Changes(this.gateway.parts));
    return listed({ ...page, items: await new KnownPeople(this.gateway, tenant).named(page.items) });
  }

  /** The entries in the order of the log, one JSON a line, made while they are sent and no faster than they are taken. */
  @Get('export')
  @Needs('viewer')
  @ApiOkResponse({ content: { 'application/x-ndjson': { schema: ref('AuditEntry') } } })
  async export(@Tenant() tenant: TenantContext, @Query() { min_position, ...asked }: ExportAuditDto, @Res() reply: FastifyReply): Promise<void> {
    await this.gateway.fresh(['audit', 'members'], min_position);
    const { clock, stopping, logger } = this.gateway.parts;
    const people = new KnownPeople(this.gateway, tenant);
    const pages = everyAudit(this.gateway.reads, tenant, filterOf(asked), new Changes(this.gateway.parts));
    const lines = async function* (): AsyncGenerator<string> {
      for await (const page of pages) for (const entry of await people.named(page)) yield `${JSON.stringify(entry)}\n`;
    };
    await streamText(reply, { contentType: 'application/x-ndjson; charset=utf-8', resumes: false }, lines, { clock, stopping, onBroken: (error) => logger.warn('audit export broke off', { error }) });
  }

  /** Of the projects within reach; `platform` stands for what belongs to none. */
  @Get('verify')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Verification') })
  async verify(@Tenant() tenant: TenantContext): Promise<object> {
    const { chains, faults } = await this.gateway.parts.auditChain.verify();
    const reached = chains.filter(({ chain }) => reachesDocument(tenant, { project_id: chain === PLATFORM ? null : chain }));
    return { valid: faults.length === 0 && reached.every(({ broken }) => broken === null), faults, projects: reached.map(verification) };
  }

  /** Both instants are answered from the log alone, as a GET of the thing with `at` is; where it wasn't there, all of it is null. `from` comes first. */
  @Get('diff')
  @Needs('viewer')
  @ApiOkResponse({ schema: ref('Diff') })
  async diff(@Tenant() tenant: TenantContext, @Query() { resource, ...asked }: DiffDto): Promise<object> {
    await this.gateway.fresh(['audit', 'deployments', 'services', 'jobs']);
    const from = asUtc(asked.from)!;
    const to = asUtc(asked.to) ?? new Date(this.gateway.parts.clock.now()).toISOString();
    if (from > to) throw new InvalidRequest([{ pointer: '?from', code: 'out_of_range', detail: `must not be after to, which is ${to}${asked.to === undefined ? ', the present' : ''}: give the earlier instant first` }]);
    const [before, after] = [await getOneAt(this.gateway.parts, tenant, resource, from), await getOneAt(this.gateway.parts, tenant, resource, to)];
    if (before === null && after === null) throw new Rejection('not_found', 'audit.resource_not_found', 'nothing of this id was within reach at either instant', { pointer: '?resource' });
    const changes = differencesBetween(before, after).map(({ path, live, replayed }) => ({ path, before: live ?? null, after: replayed ?? null }));
    return { resource, from, to, changes };
  }
}

const verification = ({ chain, events, sealed, head, broken }: VerifiedChain) => ({
  project_id: chain, events, sealed, head, broken_at: broken?.at ?? null, broken_up_to: broken?.upTo ?? null, reason: broken?.reason ?? null,
});
