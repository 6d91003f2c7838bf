import type { Cases, Decider } from '../kernel/decider.ts';
import type { EnvironmentId, ProjectId, ResourceId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isUnwritten, tooLate, voidOnce, type Unwritten, type VoidReservation } from '../kernel/reservation.ts';
import { isSame } from '../kernel/same.ts';
import type { Violation } from '../docker-service/violation.ts';
import type { ResourceEvent, ResourceKind, ResourceSettings } from './events.ts';
import { resourceViolations, settingsViolations } from './resource-rules.ts';

export type ResourceCommand =
  /** After its name was claimed. */
  | { type: 'CreateResource'; data: Extract<ResourceEvent, { type: 'ResourceCreated' }>['data'] }
  | { type: 'ChangeResource'; data: { settings: ResourceSettings } }
  /** After nobody was found to use it. */
  | { type: 'DeleteResource'; data: Record<never, never> }
  | VoidReservation;

/** A resource that was created; a deleted one keeps its name. */
export interface ExistingResource {
  readonly status: 'present' | 'deleted';
  readonly resourceId: ResourceId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly kind: ResourceKind;
  readonly version: number;
  readonly settings: ResourceSettings;
}

export type Resource = Unwritten | ExistingResource;

const initial: Resource = { status: 'absent' };

const evolutions: Cases<ResourceEvent, Resource, Resource> = {
  ResourceCreated: (_, { data }) => ({ ...data, status: 'present', version: 1 }),
  ResourceChanged: (resource, { data: { version, to } }) => ({ ...existing(resource), version, settings: to }),
  ResourceDeleted: (resource) => ({ ...existing(resource), status: 'deleted' }),
  ResourceReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

const decisions: Cases<ResourceCommand, Resource, readonly ResourceEvent[]> = {
  CreateResource(resource, { data }) {
    if (resource.status === 'voided') throw tooLate('name', resource.reason);
    if (resource.status !== 'absent') throw new Rejection('conflict', 'resource.exists', 'it was created by another request: read it instead');
    refuse(resourceViolations(data));
    return [{ type: 'ResourceCreated', data }];
  },

  ChangeResource(resource, { data: { settings } }) {
    const { status, resourceId, kind, version, settings: from } = existing(resource);
    if (status === 'deleted') throw new Rejection('conflict', 'resource.deleted', 'it was deleted: create another one');
    refuse(settingsViolations(kind, settings));
    return isSame(from, settings) ? [] : [{ type: 'ResourceChanged', data: { resourceId, version: version + 1, from, to: settings } }];
  },

  DeleteResource(resource) {
    const { status, resourceId, projectId, environmentId, name } = existing(resource);
    return status === 'deleted' ? [] : [{ type: 'ResourceDeleted', data: { resourceId, projectId, environmentId, name } }];
  },

  VoidReservation: (resource, { data }) => voidOnce(resource, { type: 'ResourceReservationVoided', data }),
};

function existing(resource: Resource): ExistingResource {
  if (isUnwritten(resource)) throw new Rejection('not_found', 'resource.not_found', 'it was never created');
  return resource;
}

function refuse(violations: readonly Violation[]): void {
  const [wrong] = violations;
  if (wrong) throw new Rejection('invalid', 'resource.invalid', `${wrong.pointer}: ${wrong.message}`, { violations });
}

/** The rules of a resource: its kind and its place are its own for life, how it is reached may change. */
export const resource: Decider<Resource, ResourceCommand, ResourceEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
