import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { deployViolations, Rejection, withTargets, withVersions, workingSpec, type DeploySettings, type DockerServiceCommand, type ExistingDockerService } from '#domain';
import { deploymentIdOf, targetsNow } from '#application';
import type { AggregateStore } from '#event-store';
import { canonicalOf } from '../compute/container-spec.ts';
import { latestVersions } from '../compute/resolve-values.ts';
import { RolloutDto } from './deploy.dto.ts';
import type { Asked } from '../compute/asked.ts';
import { hookOf } from './hook.dto.ts';
import { refuseUnknownInHooks } from './new-docker-service.ts';

export class DeployDockerServiceDto extends RolloutDto {
  @ApiPropertyOptional({ type: 'string', example: 'myorg/api:v1.1.0', description: 'Cuts a release with this image, also where it is the same: its tag is looked up anew. Without one: the same release once more.' })
  @IsOptional()
  @IsString()
  image?: string;
}

export class RollBackDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'One of those that are kept. Default: the one that the service stood on before; of a halted one the last stable.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  release?: number;
}

type DeployCommand = Extract<DockerServiceCommand, { type: 'DeployDockerService' }>;

/** The deployment that a body asks for; what it says of the way is for this one alone.
 *  @throws InvalidRequest; Rejection `deployment.invalid`. */
export async function deployCommand(aggregates: AggregateStore, service: ExistingDockerService, body: DeployDockerServiceDto, asked: Asked, commandId: string): Promise<DeployCommand> {
  const current = workingSpec(service);
  // Changes and versions that were to wait for a deployment have waited for this one.
  const standing = withVersions(withTargets(current, await targetsNow(aggregates, current)), await latestVersions(aggregates, [current]));
  const spec = body.image == null ? standing : { ...standing, image: canonicalOf(body.image) };
  const settings = await settingsOf(aggregates, body, asked);
  await refuseUnknownInHooks(aggregates, service, settings);
  const [wrong, ...more] = deployViolations({ ...service.deploy, ...settings }, spec.healthcheck, '');
  if (wrong) throw new Rejection('invalid', 'deployment.invalid', `${wrong.pointer}: ${wrong.message}`, { violations: [wrong, ...more] });
  return { type: 'DeployDockerService', data: { deploymentId: deploymentIdOf(commandId), spec, settings, sameSpec: body.image == null ? 'restart' : 'cut' } };
}

/** Only what is given: the rest is the service's own. A hook that is null is left out this time. */
async function settingsOf(aggregates: AggregateStore, body: DeployDockerServiceDto, inEnvironment: Asked): Promise<Partial<DeploySettings>> {
  const asked = { ...inEnvironment, mayMake: false };
  return {
    ...(body.strategy == null ? {} : { strategy: body.strategy }),
    ...(body.max_surge == null ? {} : { maxSurge: body.max_surge }),
    ...(body.max_unavailable == null ? {} : { maxUnavailable: body.max_unavailable }),
    ...(body.auto_rollback == null ? {} : { autoRollback: body.auto_rollback }),
    ...(body.pre_deploy === undefined ? {} : { preDeploy: await hookOf(aggregates, body.pre_deploy, '/pre_deploy', asked) }),
    ...(body.post_deploy === undefined ? {} : { postDeploy: await hookOf(aggregates, body.post_deploy, '/post_deploy', asked) }),
  };
}
