import type { EnvironmentId, ProjectId } from '../kernel/ids.ts';
import { isUnwritten, type Unwritten } from '../kernel/reservation.ts';
import type { Apply } from './events.ts';

/** A version, and under which id its value is kept. */
export interface HeldVersion {
  readonly valueId: string;
  readonly apply: Apply;
}

/** A secret or a config that was created; a deleted one keeps its name and numbers. */
export interface ExistingValue<Id extends string> {
  readonly status: 'present' | 'deleted';
  readonly id: Id;
  readonly projectId: ProjectId;
  /** Null: for all of the project. */
  readonly environmentId: EnvironmentId | null;
  readonly name: string;
  /** By number, from 1 on without a gap. */
  readonly versions: ReadonlyMap<number, HeldVersion>;
}

export type HeldValue<Id extends string> = Unwritten | ExistingValue<Id>;

/** The number of the latest version: what whoever follows it gets at his next deployment. */
export const latestVersion = ({ versions }: Pick<ExistingValue<string>, 'versions'>): number => versions.size;

/** The version that whoever follows the latest is rolled to: the last one that wasn't to wait for a deployment. */
export const rolledVersion = ({ versions }: Pick<ExistingValue<string>, 'versions'>): number =>
  Math.max(...[...versions].filter(([, { apply }]) => apply === 'now').map(([version]) => version));

/** A fold's beginning: version 1. */
export const begun = <Id extends string>(id: Id, { projectId, environmentId, name, valueId }: Omit<ExistingValue<Id>, 'status' | 'id' | 'versions'> & { readonly valueId: string }): ExistingValue<Id> => ({
  status: 'present', id, projectId, environmentId, name, versions: new Map([[1, { valueId, apply: 'now' }]]),
});

/** The fold of another version. @throws Error on a history that can't be. */
export function withVersion<Id extends string>(held: HeldValue<Id>, { version, valueId, apply }: HeldVersion & { readonly version: number }): ExistingValue<Id> {
  if (held.status !== 'present') throw new Error(`history out of order: a version of what is ${held.status}`);
  return { ...held, versions: new Map([...held.versions, [version, { valueId, apply }]]) };
}

/** The fold of its deletion. @throws Error on a history that can't be. */
export function ended<Id extends string>(held: HeldValue<Id>): ExistingValue<Id> {
  if (isUnwritten(held)) throw new Error('history out of order: what never was is deleted');
  return { ...held, status: 'deleted' };
}
