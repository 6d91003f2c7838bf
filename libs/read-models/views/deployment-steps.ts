import type { DeploySettings, DeploymentOutcome, DeploymentStage, JobId, Reason } from '#domain';
import type { Of } from '../view.ts';

/** What a deployment goes through, one after the other. Those that it will come to are there from the start, so that a progress bar
 *  knows how long it is; `return` stands in place of what would have come next. */
export interface DeploymentStep {
  readonly name: DeploymentStage;
  readonly status: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** Of one that is under way: it fails then, unless something goes forward; `monitor` has passed then. Null for a hook, whose job has
   *  a timeout of its own. */
  readonly deadline_at: string | null;
  /** Of a hook. */
  readonly job_id: JobId | null;
  /** Why it was begun, then how it ended. */
  readonly reason: Reason | null;
}

/** The steps that a deployment with these settings comes to if all goes well. */
export const plannedSteps = ({ preDeploy, monitorMs, postDeploy }: DeploySettings): DeploymentStep[] => [
  ...(preDeploy ? [waiting('pre_deploy')] : []),
  waiting('prepare'),
  waiting('replace'),
  ...(monitorMs > 0 ? [waiting('monitor')] : []),
  ...(postDeploy ? [waiting('post_deploy')] : []),
];

const waiting = (name: DeploymentStage): DeploymentStep => ({ name, status: 'PENDING', started_at: null, finished_at: null, deadline_at: null, job_id: null, reason: null });

/** The steps once a stage has begun; one that nobody planned (`return`) comes last. */
export function begun(steps: readonly DeploymentStep[], { stage, at, deadlineAt, jobId, reason }: Of<'DeploymentStageBegan'>['data']): DeploymentStep[] {
  const all = steps.some(({ name }) => name === stage) ? steps : [...steps, waiting(stage)];
  return withStep(all, stage, (step) => ({ ...step, status: 'RUNNING', started_at: at, deadline_at: deadlineAt, job_id: jobId, reason }));
}

/** The steps once a stage has ended. */
export const ended = (steps: readonly DeploymentStep[], { stage, result, at, reason }: Of<'DeploymentStageEnded'>['data']): DeploymentStep[] =>
  withStep(steps, stage, (step) => ({ ...step, status: result, finished_at: at, deadline_at: null, reason }));

/** The steps once something went forward: the one under way has time again. */
export const postponed = (steps: readonly DeploymentStep[], deadlineAt: string): DeploymentStep[] =>
  steps.map((step) => (step.status === 'RUNNING' && step.name !== 'monitor' ? { ...step, deadline_at: deadlineAt } : step));

/** No step is left open. What nothing was to be done for is left out where all went well. */
export function closed(steps: readonly DeploymentStep[], outcome: DeploymentOutcome, at: string, reason: Reason): DeploymentStep[] {
  const wentWell = outcome === 'SUCCEEDED';
  const left = wentWell ? steps.filter(({ status }) => status !== 'PENDING') : steps;
  return left.map((step) => {
    if (step.status === 'PENDING') return { ...step, status: 'CANCELLED' };
    if (step.status !== 'RUNNING') return step;
    return { ...step, status: wentWell ? 'SUCCEEDED' : outcome === 'FAILED' ? 'FAILED' : 'CANCELLED', finished_at: at, deadline_at: null, reason };
  });
}

const withStep = (steps: readonly DeploymentStep[], stage: DeploymentStage, change: (step: DeploymentStep) => DeploymentStep): DeploymentStep[] =>
  steps.map((step) => (step.name === stage ? change(step) : step));
