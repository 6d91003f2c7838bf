import type { OpenedDeployment } from '../deployment/deployment.ts';
import type { DeploymentStage } from '../deployment/events.ts';
import type { ActiveDeployment } from '../docker-service/docker-service.ts';
import { type Orders, takeOver } from '../docker-service/orders.ts';
import { hookJob } from '../job/job-spec.ts';
import type { JobDefinition } from '../job/job.ts';
import type { Reason } from '../kernel/reason.ts';
import { makerOf } from './plan-service.ts';
import { NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';
import { standingOf, type Standing } from './standing.ts';
import type { OrderMaker } from './step.ts';

/** A deployment under way, and all that its next plan is made from. What stands ordered is the service's own and what the deployment
 *  did since: what the service would have if it ended now. */
export interface Moving extends RolloutInput {
  readonly active: ActiveDeployment;
  readonly deployment: OpenedDeployment;
  readonly orders: Orders;
  readonly standing: readonly Standing[];
  readonly maker: OrderMaker;
}

/** Brings together what belongs to a deployment under way. */
export function movingOf(input: RolloutInput, active: ActiveDeployment, deployment: OpenedDeployment): Moving {
  const orders = takeOver(input.service.orders, deployment.handOver);
  return { ...input, active, deployment, orders, standing: standingOf(input.service, orders, input.observed), maker: makerOf(input, orders) };
}

export type HookName = 'pre_deploy' | 'post_deploy';

/** The job of a hook of this deployment. */
export function hookOf({ service, active, hookJobIdOf }: Moving, which: HookName): JobDefinition {
  const { deploymentId, toRelease, settings } = active;
  const hook = which === 'pre_deploy' ? settings.preDeploy : settings.postDeploy;
  const spec = service.releases.get(toRelease);
  if (!hook || !spec) throw new Error(`${deploymentId} has no ${which} hook for release ${toRelease}`);
  return hookJob({ jobId: hookJobIdOf(deploymentId, which), which, deploymentId, service, release: toRelease, spec, hook });
}

/** Takes back a hook that runs; null where none does, and nothing has to be waited for. Its end is what the job's stream says: a hook that
 *  nobody created yet is created and cancelled, so that it can't come later. */
export function withoutHook(moving: Moving, reason: Reason): RolloutPlan | null {
  const { stage } = moving.deployment;
  if ((stage !== 'pre_deploy' && stage !== 'post_deploy') || moving.hook?.status === 'ended') return null;
  const isAsked = moving.hook?.status === 'open' && moving.hook.cancel !== null;
  return isAsked ? NOTHING_TO_DO : { ...NOTHING_TO_DO, cancelHook: { definition: hookOf(moving, stage), reason } };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** The next stage, with the time that it has. */
export function beginning({ now, active, hookJobIdOf }: Moving, stage: DeploymentStage, reason: Reason): RolloutPlan {
  const { settings, deploymentId } = active;
  const isHook = stage === 'pre_deploy' || stage === 'post_deploy';
  const hasMs = stage === 'monitor' ? settings.monitorMs : settings.progressDeadlineMs;
  const jobId = isHook ? hookJobIdOf(deploymentId, stage) : null;
  return { ...NOTHING_TO_DO, beginStage: { stage, jobId, at: iso(now), deadlineAt: isHook ? null : iso(now + hasMs), reason } };
}

/** The end of the stage that is under way. */
export function ending({ now, deployment }: Moving, result: 'SUCCEEDED' | 'FAILED' | 'CANCELLED', reason: Reason): RolloutPlan {
  const { stage } = deployment;
  if (!stage) throw new Error('no stage is under way');
  return { ...NOTHING_TO_DO, endStage: { stage, result, at: iso(now), reason } };
}
