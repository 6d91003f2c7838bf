import type { Cases, Decider } from '../kernel/decider.ts';
import type { DeploymentId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import { type DeployingCommand, deployingDecisions, scaled } from './decide-deployments.ts';
import { type LifecycleCommand, lifecycleDecisions } from './decide-lifecycle.ts';
import { evolve, initial, type DockerService, type ExistingDockerService } from './docker-service.ts';
import type { ContainerSpec, DockerServiceEvent, Step } from './events.ts';
import { effectOf, isEmptyStep, takenGeneration } from './orders.ts';
import { serviceViolations } from './service-rules.ts';
import { active, existing, living, refuse } from './standing.ts';

type DataOf<T extends DockerServiceEvent['type']> = Extract<DockerServiceEvent, { type: T }>['data'];

export type DockerServiceCommand =
  /** The service, its release 1 and the deployment of that release, in one append. */
  | { type: 'CreateDockerService'; data: DataOf<'DockerServiceCreated'> & { spec: ContainerSpec; deploymentId: DeploymentId } }
  | { type: 'ScaleDockerService'; data: { replicas: number } }
  /** A planned batch outside any deployment; send it at the revision that the plan was read at. */
  | { type: 'TakeServiceStep'; data: Step }
  | DeployingCommand
  | LifecycleCommand
  | VoidReservation
  /** Room was reserved by this command, and no change followed in time; send it at the revision that the command would be written at. */
  | { type: 'VoidChange'; data: { commandId: string } };

const decisions: Cases<DockerServiceCommand, DockerService, readonly DockerServiceEvent[]> = {
  CreateDockerService(service, { data: { spec, deploymentId, ...created } }) {
    if (service.status === 'voided') throw tooLate('name', service.reason);
    if (service.status === 'present') throw new Rejection('conflict', 'docker_service.exists', 'it was created by another request: read it instead');
    refuse(serviceViolations({ name: created.name, kind: created.kind, replicas: created.replicas, deploy: created.deploy, spec }));
    return [
      { type: 'DockerServiceCreated', data: created },
      { type: 'ReleaseCut', data: { release: 1, spec } },
      { type: 'DeploymentStarted', data: { deploymentId, kind: 'create', fromRelease: null, toRelease: 1, settings: created.deploy, supersedes: null } },
    ];
  },

  ...deployingDecisions,
  ...lifecycleDecisions,

  ScaleDockerService: (service, { data: { replicas } }) => scaled(living(service), replicas),

  TakeServiceStep(service, { data }) {
    const present = existing(service);
    const step = effectOf(present.orders, data);
    if (isEmptyStep(step)) return [];
    const [open] = [present.activeDeployment, ...present.superseded];
    if (open) {
      throw new Rejection('conflict', 'docker_service.deployment_active', 'the deployment takes the steps until it has ended', {
        deploymentId: open.deploymentId,
      });
    }
    if (step.creates.length) mayStart(present, step);
    return [{ type: 'ServiceStepTaken', data: step }];
  },

  VoidReservation: (service, { data }) => voidOnce(service, { type: 'ReservationVoided', data }),

  VoidChange: (service, { data }) => (existing(service).voided.has(data.commandId) ? [] : [{ type: 'ChangeVoided', data }]),
};

/** New replicas need a service that is wanted, that isn't halted, and a generation that its slot never had. */
function mayStart(service: ExistingDockerService, { creates }: Step): void {
  const { halted, orders } = active(service);
  if (halted) throw new Rejection('conflict', 'docker_service.halted', 'nothing is started until another deployment', { reason: halted });
  const taken = takenGeneration(orders, creates);
  if (taken) throw new Rejection('conflict', 'docker_service.generation_taken', 'plan again: the slot already had this generation', { slot: taken.slot, generation: taken.generation });
}

/** The rules of a docker_service. A retry that finds the world already so is silence. */
export const dockerService: Decider<DockerService, DockerServiceCommand, DockerServiceEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
