import { ALWAYS, canonicalImage, DEFAULT_TARGETS, plan as planRules, Rejection, streamOf, type Amount, type ContainerSpec, type Port, type Resources } from '#domain';
import type { AggregateStore } from '#event-store';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import type { AmountDto, ContainerDto, ResourcesDto } from './container.dto.ts';
import { valueUsesOf } from './values.dto.ts';

const DEFAULT_PLAN = 'small';

/** The container that a body describes, with its defaults: restarted after every end, without a check. The image is written out in full, a plan's resources are copied.
 *  @throws InvalidRequest where two fields contradict each other or the plan isn't known; Rejection `image.invalid_reference`. */
export async function containerSpec(aggregates: AggregateStore, body: ContainerDto, ports: readonly Port[], asked: AskedVolumes): Promise<ContainerSpec> {
  const volumes = await asked.mounts(body.volumes, '/volumes', true);
  return {
    image: canonicalOf(body.image),
    pullPolicy: body.pull_policy ?? 'missing',
    command: body.command ?? null,
    args: body.args ?? null,
    env: body.env ?? {},
    ports,
    ...(await size(aggregates, body)),
    labels: body.labels ?? {},
    constraints: body.constraints ?? [],
    restartPolicy: ALWAYS,
    healthcheck: null,
    loggingTarget: body.logging_target ?? DEFAULT_TARGETS.loggingTarget,
    metricsTarget: body.metrics_target ?? DEFAULT_TARGETS.metricsTarget,
    ...(volumes.length > 0 ? { volumes } : {}),
    ...valueUsesOf(body),
  };
}

/** The reference written out in full. The rule is the domain's, the place in the body is known here.
 *  @param at where the container stands in the body. @throws InvalidRequest `image.invalid_reference`. */
export function canonicalOf(image: string, at = ''): string {
  try {
    return canonicalImage(image);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    throw new InvalidRequest([{ pointer: `${at}/image`, code: error.code, detail: error.detail }], error.code);
  }
}

/** What the container may have, out of a plan or as it is given. @param at where it stands in the body. @throws InvalidRequest. */
export async function size(aggregates: AggregateStore, { plan, resources }: Pick<ContainerDto, 'plan' | 'resources'>, at = ''): Promise<{ plan: string | null; resources: Resources }> {
  if (plan && resources) throw new InvalidRequest([{ pointer: `${at}/plan`, code: 'exclusive', detail: 'give a plan or resources, not both' }]);
  if (resources) return { plan: null, resources: resourcesOf(resources, `${at}/resources`) };
  const name = plan ?? DEFAULT_PLAN;
  const { state } = await aggregates.load(planRules, streamOf('plan', name));
  if (state.status === 'absent') throw new InvalidRequest([{ pointer: `${at}/plan`, code: 'plan.unknown', detail: `no such plan: ${name}; GET /v1/plans lists them` }], 'plan.unknown');
  return { plan: name, resources: state.resources };
}

/** @param at where the resources stand in the body. @throws InvalidRequest for half a form, or both at once. */
export function resourcesOf({ request, limit, cpu_millis, memory_bytes }: ResourcesDto, at: string): Resources {
  const isShort = cpu_millis != null || memory_bytes != null;
  const isFull = request != null || limit != null;
  const refuse = (pointer: string, code: string, detail: string) => new InvalidRequest([{ pointer: `${at}${pointer}`, code, detail }]);
  if (isShort && isFull) throw refuse('', 'exclusive', 'give request and limit, or cpu_millis and memory_bytes, not both');
  if (isShort) {
    if (cpu_millis == null) throw refuse('/cpu_millis', 'required', 'is needed beside memory_bytes');
    if (memory_bytes == null) throw refuse('/memory_bytes', 'required', 'is needed beside cpu_millis');
    const both: Amount = { cpuMillis: cpu_millis, memoryBytes: memory_bytes };
    return { request: both, limit: both };
  }
  if (request == null) throw refuse('/request', 'required', 'is needed');
  if (limit == null) throw refuse('/limit', 'required', 'is needed');
  return { request: amountOf(request), limit: amountOf(limit) };
}

const amountOf = ({ cpu_millis, memory_bytes }: AmountDto): Amount => ({ cpuMillis: cpu_millis, memoryBytes: memory_bytes });

/** `docker.io/library/nginx:1.27` → `nginx`: what a thing is called that got no name, a DNS label with room for a suffix. */
export function nameFromImage(image: string): string {
  const last = image.split('@')[0]!.split('/').at(-1)!.split(':')[0]!;
  return last.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 50).replaceAll(/^-+|-+$/g, '') || 'service';
}
