import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { OperatorOnly } from '../edge/needs.ts';
import { Nothing } from '../edge/validation.pipe.ts';
import { Gateway } from '../gateway.ts';
import { listOf, ref } from '../openapi/schemas.ts';
import type { LastRebuild, ProjectionStatus } from './projections.ts';

@ApiTags('projections')
@Controller('v1/projections')
@OperatorOnly()
export class ProjectionsController {
  constructor(private readonly gateway: Gateway) {}

  @Get()
  @ApiOkResponse({ schema: listOf('Projection') })
  async list(): Promise<object> {
    const items = await Promise.all(this.gateway.parts.projections.status().map((status) => this.#answer(status)));
    return { items, next_cursor: null };
  }

  /** Builds the view anew from the log, beside the live one, compares the two document by document, and flips reads over at the
   *  end. What differed is told by `last_rebuild`, and by `rebuild_failed` why it came to nothing. No event comes of it. */
  @Post(':name/rebuild')
  @HttpCode(202)
  @ApiAcceptedResponse({ schema: ref('Projection') })
  async rebuild(@Param('name') name: string, @Body() _body: Nothing): Promise<object> {
    const { projections } = this.gateway.parts;
    projections.rebuild(name);
    return this.#answer(projections.status().find((status) => status.name === name)!);
  }

  async #answer({ name, ready, caughtUp, position, lagMs, degraded, rebuilding, lastRebuild, rebuildFailed }: ProjectionStatus): Promise<object> {
    const version = await this.gateway.parts.models.active(name);
    return { name, version, ready, caught_up: caughtUp, position, lag_ms: lagMs, degraded, rebuilding, last_rebuild: lastRebuild && answerOf(lastRebuild), rebuild_failed: rebuildFailed };
  }
}

/** Values as JSON text, since null is one: null stands for what isn't there at all. */
const answerOf = ({ version, position, events, compared, differences }: LastRebuild): object => ({
  version,
  position,
  events,
  compared: compared && { documents: compared.documents, differences: compared.differences, unsettled: compared.unsettled.length, position: compared.position },
  differences: differences.map(({ id, path, live, replayed }) => ({ document_id: id, path, live: JSON.stringify(live) ?? null, replayed: JSON.stringify(replayed) ?? null })),
});
