import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { readFigureFacts } from '#read-models';
import { OperatorOnly } from '../edge/needs.ts';
import { Gateway } from '../gateway.ts';
import { containerFamilies } from './container-families.ts';
import { CONTENT_TYPE, expositionOf } from './exposition.ts';
import { platformFamilies } from './platform-families.ts';
import { readSamples } from '#messaging';

/** For a Prometheus that is an operator's: it sees every project, so it brings an operator's token. */
@ApiTags('metrics')
@Controller('metrics')
@OperatorOnly()
export class MetricsController {
  constructor(private readonly gateway: Gateway) {}

  /** Containers under cAdvisor's names, but for those whose `metrics_target` is `none`, and the platform's own figures. A node that
   *  doesn't answer lacks, and is said. */
  @Get()
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' } } } })
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { bus, nodes } = this.gateway.parts;
    const present = nodes.present.flatMap(({ nodeId }) => nodeId ?? []);
    const { samples, silent } = await readSamples(bus, present, null);
    const facts = await readFigureFacts(this.gateway.reads, samples.map(({ replicaId }) => replicaId));
    reply.type(CONTENT_TYPE);
    return expositionOf([...containerFamilies(samples, facts), ...(await platformFamilies(this.gateway, silent))]);
  }
}
