import type { DeploymentEvent, DockerServiceEvent, Reason } from '#domain';
import { ASKED, count, neverWritten, type Sentence, type Sentences } from './sentence.ts';

/** What happens to services and their deployments. */
export const serviceSentences: Sentences<(DockerServiceEvent | DeploymentEvent)['type']> = {
  DockerServiceCreated: ({ data }) => ({ what: `${data.name} was created with ${count(data.replicas, 'replica')}`, why: ASKED }),
  ReleaseCut: ({ data, metadata }) => ({
    what: `release ${data.release} was cut from ${data.spec.image}`,
    why: data.copiedFrom === undefined ? (metadata.actor.type === 'system' ? FOLLOWS : 'what shapes its container was given or changed') : `it copies release ${data.copiedFrom}, to which the service goes back`,
  }),
  ReleasePostponed: ({ data }) => ({ what: data.spec ? 'what shapes its containers was changed for its next deployment' : 'what waited for its next deployment was taken back', why: ASKED }),
  ReleaseImagePinned: ({ data }) => ({
    what: `the image of release ${data.release} was found to be ${data.reference}`,
    why: data.digest === null ? 'no registry gave it: it is known by its id, and runs where it is' : 'its first replica pulled it',
  }),
  DeploymentStarted: ({ data }) => ({
    what: `a deployment of release ${data.toRelease} was started`,
    why: data.kind === 'restart' ? 'the same release was asked for once more' : data.fromRelease === null ? 'nothing of it ran before' : `it replaces release ${data.fromRelease}`,
  }),
  DeploymentCancelRequested: () => ({ what: 'its deployment was asked to go back', why: ASKED }),
  DeploymentEnded: ({ data }) => ({ what: `the deployment of release ${data.toRelease} ended ${data.outcome}`, why: data.reason.message }),
  DockerServiceScaled: ({ data }) => ({ what: `it was scaled from ${data.from} to ${count(data.to, 'replica')}`, why: ASKED }),
  DeploySettingsChanged: () => ({ what: 'the way of its deployments was changed', why: ASKED }),
  DockerServiceLabelsChanged: () => ({ what: 'its labels were changed', why: ASKED }),
  DockerServicePaused: () => ({ what: 'it was paused', why: ASKED }),
  DockerServiceResumed: () => ({ what: 'it was resumed', why: ASKED }),
  DockerServiceStopped: () => ({ what: 'it was stopped', why: ASKED }),
  DockerServiceStarted: () => ({ what: 'it was started', why: ASKED }),
  ServiceStepTaken: ({ data }) => step(data),
  DockerServiceDeletionRequested: ({ data }) => ({ what: data.volumes === 'delete' ? 'its deletion was requested, with its volumes' : 'its deletion was requested', why: ASKED }),
  DockerServiceDeleted: ({ data }) => ({ what: `${data.name} was deleted`, why: 'the engine confirmed that every container is gone' }),
  ChangeVoided: () => ({ what: 'the room that a change had reserved was given back', why: 'the change itself was never written' }),
  ReservationVoided: neverWritten('service'),

  DeploymentOpened: ({ data }) => ({ what: `the deployment of release ${data.toRelease} was taken up`, why: 'it is the active one of its service' }),
  DeploymentStageBegan: ({ data }) => ({ what: `the deployment came to its stage ${data.stage}`, why: data.reason.message }),
  DeploymentStageEnded: ({ data }) => ({ what: `the stage ${data.stage} of the deployment ended: ${data.result}`, why: data.reason.message }),
  DeploymentStepTaken: ({ data }) => step(data),
  DeploymentProgressed: ({ data }) => ({
    what: `${data.running} of ${data.wanted} run, ${data.settled} have stayed up`,
    why: `without further progress the deployment fails at ${data.deadlineAt}`,
  }),
  DeploymentReplicaFailed: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} counts as failed for the deployment`, why: data.reason.message }),
  DeploymentClosed: ({ data }) => ({ what: `the deployment takes no further step: ${data.outcome}`, why: data.reason.message }),
};

const FOLLOWS = 'a secret or config that it follows has another version, or what it depends on is reached in another way';

function step({ creates, stops, forgets, reason }: { creates: readonly unknown[]; stops: readonly unknown[]; forgets: readonly unknown[]; reason: Reason }): Sentence {
  const parts = [
    creates.length > 0 && `${count(creates.length, 'replica')} ordered`,
    stops.length > 0 && `${count(stops.length, 'replica')} to be stopped`,
    forgets.length > 0 && `${count(forgets.length, 'ended replica')} cleared away`,
  ].filter((part) => part !== false);
  return { what: parts.join(', ') || 'nothing to be done', why: reason.message };
}
