import { ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { JOB_TIMEOUT, MAX_JOB_RETRIES, type Hook } from '#domain';
import type { AggregateStore } from '#event-store';
import { canonicalOf, size } from '../compute/container-spec.ts';
import { ContainerDto } from '../compute/container.dto.ts';
import { givenUsesOf } from '../compute/values.dto.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';

/** A job that a deployment runs: whatever isn't given here is the new release's. */
export class HookDto extends PartialType(ContainerDto) {
  @ApiPropertyOptional({ type: 'string', example: 'bin/migrate', description: 'Run by the container’s /bin/sh -c; instead of command and args.' })
  @IsOptional()
  @IsString()
  script?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: JOB_TIMEOUT.minMs, maximum: JOB_TIMEOUT.maxMs, default: JOB_TIMEOUT.defaultMs, description: 'From the start of the container; never unlimited.' })
  @IsOptional()
  @IsInt()
  timeout_ms?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: MAX_JOB_RETRIES, default: 0, description: 'Further attempts after a failed one.' })
  @IsOptional()
  @IsInt()
  retries?: number;
}

/** The hook that a body asks for; null without one.
 *  @param at where it stands in the body. @param asked.mayMake whether volumes that aren't there are to be made.
 *  @throws InvalidRequest, also `image.invalid_reference`, `plan.unknown`. */
export async function hookOf(aggregates: AggregateStore, body: HookDto | null | undefined, at: string, asked: AskedMounts): Promise<Hook | null> {
  if (!body) return null;
  const { image, pull_policy, env, plan, resources, labels, constraints, volumes } = body;
  const overrides: Hook['overrides'] = {
    ...(image == null ? {} : { image: canonicalOf(image, at) }),
    ...(pull_policy == null ? {} : { pullPolicy: pull_policy }),
    ...programOf(body, at),
    ...(env == null ? {} : { env }),
    ...(plan == null && resources == null ? {} : await size(aggregates, { plan, resources }, at)),
    ...(labels == null ? {} : { labels }),
    ...(constraints == null ? {} : { constraints }),
    ...(volumes == null ? {} : { volumes: await asked.volumes.mounts(volumes, `${at}/volumes`, asked.mayMake) }),
    ...givenUsesOf(body),
  };
  return { overrides, timeoutMs: body.timeout_ms ?? JOB_TIMEOUT.defaultMs, retries: body.retries ?? 0 };
}

/** Where what a hook or job mounts is looked up. */
export interface AskedMounts {
  readonly volumes: AskedVolumes;
  readonly mayMake: boolean;
}

/** A program of its own takes none of the arguments that are meant for the release's. */
function programOf({ script, command, args }: HookDto, at: string): Pick<Hook['overrides'], 'command' | 'args'> {
  if (script == null) return { ...(command == null ? {} : { command, args: args ?? null }), ...(args == null ? {} : { args }) };
  for (const [field, given] of [['command', command], ['args', args]] as const) {
    if (given != null) throw new InvalidRequest([{ pointer: `${at}/${field}`, code: 'exclusive', detail: 'give a script, or command and args, not both' }]);
  }
  if (script.trim() === '') throw new InvalidRequest([{ pointer: `${at}/script`, code: 'required', detail: 'must say what to run' }]);
  return { command: ['/bin/sh', '-c', script], args: null };
}
