import { Rejection } from '../kernel/rejection.ts';
import type { DockerService, ExistingDockerService } from './docker-service.ts';
import type { Violation } from './violation.ts';

/** The service, whatever became of it. @throws Rejection `docker_service.not_found` */
export function existing(service: DockerService): ExistingDockerService {
  if (service.status === 'present') return service;
  throw new Rejection('not_found', 'docker_service.not_found', 'no service of this id was ever created');
}

/** The service, where it may still be changed: ACTIVE or PAUSED. @throws Rejection `docker_service.deleted` */
export function living(service: DockerService): ExistingDockerService {
  const present = existing(service);
  if (present.lifecycle === 'ACTIVE' || present.lifecycle === 'PAUSED') return present;
  throw new Rejection('conflict', 'docker_service.deleted', 'it is being deleted or was: create another one', { lifecycle: present.lifecycle });
}

/** The service, where it may be moved. @throws Rejection `docker_service.paused` */
export function active(service: DockerService): ExistingDockerService {
  const present = living(service);
  if (present.lifecycle === 'ACTIVE') return present;
  const how = present.paused === 'held' ? 'it is paused: resume it first' : 'it is stopped: start it first';
  throw new Rejection('conflict', 'docker_service.paused', how, { lifecycle: present.lifecycle, containers: present.paused });
}

/** @throws Rejection `docker_service.invalid` that carries every violation; the first one's message is its detail. */
export function refuse(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first) throw new Rejection('invalid', 'docker_service.invalid', `${first.pointer}: ${first.message}`, { violations });
}
