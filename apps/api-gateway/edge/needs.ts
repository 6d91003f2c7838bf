import { SetMetadata } from '@nestjs/common';
import type { Role } from '#contracts';

/** What a route asks of whoever calls it. */
export interface Need {
  /** `anybody`: whoever is known, wherever they belong; for what tells of no project, and is changed by nobody but whom it concerns. */
  readonly role: Role | 'anybody';
  /** Open to tokens that are held to deploying, too. */
  readonly deploys: boolean;
}

export const NEED = 'waybill:need';

/** The role that a route needs, in the project that it is about; on a method, or on a class for all of them. A route without one never starts.
 *  @param act `deploys`: a token that is held to deploying may call it, for what its scope names. */
export const Needs = (role: Need['role'], act?: 'deploys') => SetMetadata(NEED, { role, deploys: act === 'deploys' } satisfies Need);

/** A route for those who run the platform. */
export const OperatorOnly = () => Needs('operator');
