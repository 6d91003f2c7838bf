import { dockerService, parseStream, type DeploymentOutcome, type DeploymentStage, type DockerServiceEvent, type OpenedDeployment, type Step } from '#domain';
import type { Recorded } from '#event-store';
import type { Ledger } from './ledger.ts';

/** What a deployment's hooks decide; `ledger` lacks the event yet. */
export const HOOK_LAWS = {
  'a deployment ends after its hooks, and succeeds with them': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'DeploymentClosed') return null;
    const deployment = opened(ledger, stream);
    if (!deployment) return null;
    const running = [...deployment.stages].find(([, { jobId }]) => jobId !== null && ledger.jobs.get(jobId)?.status !== 'ended');
    if (running) return `${stream} was closed, and its ${running[0]} hook has no end`;
    if ((data as { outcome: DeploymentOutcome }).outcome !== 'SUCCEEDED') return null;
    const lacking = (['pre_deploy', 'post_deploy'] as const).filter((hook) => asks(ledger, deployment, hook) && !hasSucceeded(ledger, deployment, hook));
    return lacking.length > 0 ? `${stream} succeeded, and its ${lacking.join(' and ')} hook has not` : null;
  },

  'nothing of a release is ordered before its pre_deploy hook has succeeded': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'DeploymentStepTaken') return null;
    const deployment = opened(ledger, stream);
    const service = deployment && ledger.services.get(deployment.dockerServiceId);
    if (!deployment || service?.status !== 'present' || service.stableRelease === deployment.toRelease || !asks(ledger, deployment, 'pre_deploy')) return null;
    const ahead = (data as Step).creates.filter(({ release }) => release === deployment.toRelease);
    return ahead.length > 0 && !hasSucceeded(ledger, deployment, 'pre_deploy') ? `${stream} ordered ${ahead.map(({ replicaId }) => replicaId).join(', ')} of release ${deployment.toRelease}` : null;
  },

  'what failed does not become current': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'DeploymentEnded' || (data as { outcome: DeploymentOutcome }).outcome === 'SUCCEEDED') return null;
    const before = ledger.services.get(parseStream(stream).id);
    const after = before && dockerService.evolve(before, { type, data } as DockerServiceEvent);
    if (before?.status !== 'present' || after?.status !== 'present') return null;
    return after.stableRelease === before.stableRelease ? null : `${stream} went from release ${before.stableRelease} to ${after.stableRelease} by a deployment that ended ${(data as { outcome: string }).outcome}`;
  },
};

type Hook = Extract<DeploymentStage, 'pre_deploy' | 'post_deploy'>;

function opened(ledger: Ledger, stream: string): OpenedDeployment | null {
  const deployment = ledger.deployments.get(parseStream(stream).id);
  return deployment?.status === 'opened' ? deployment : null;
}

function asks(ledger: Ledger, { deploymentId }: OpenedDeployment, hook: Hook): boolean {
  const settings = ledger.rolls.settingsOf(deploymentId);
  return settings !== null && (hook === 'pre_deploy' ? settings.preDeploy : settings.postDeploy) !== null;
}

function hasSucceeded(ledger: Ledger, { stages }: OpenedDeployment, hook: Hook): boolean {
  const jobId = stages.get(hook)?.jobId;
  const job = jobId ? ledger.jobs.get(jobId) : undefined;
  return job?.status === 'ended' && job.outcome === 'SUCCEEDED';
}
