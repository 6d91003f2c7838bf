import { deployViolations } from './deploy-rules.ts';
import type { DeploySettings } from './deploy-settings.ts';
import type { ContainerSpec } from './events.ts';
import { nameViolations, replicasViolations, specViolations } from './spec-rules.ts';
import { violation, type Violation } from './violation.ts';

/** A service as its rules look at it. */
export interface JudgedService {
  readonly name: string;
  readonly kind: 'web' | 'worker';
  readonly replicas: number;
  readonly deploy: DeploySettings;
  readonly spec: ContainerSpec;
}

/** Every violation of a service, new or changed, in the order of its fields; none where it may be so. */
export const serviceViolations = ({ name, kind, replicas, deploy, spec }: JudgedService): readonly Violation[] => [
  ...nameViolations(name),
  ...(kind === 'web' && !spec.ports.length ? [violation('/ports', 'required', 'a web service needs a port: give one, or make it a worker')] : []),
  ...specViolations(spec),
  ...replicasViolations(replicas),
  ...deployViolations(deploy, spec.healthcheck),
];
