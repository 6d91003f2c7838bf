import type { Resources } from '../kernel/units.ts';

export type PlanEvent =
  | { type: 'PlanDefined'; data: { name: string; resources: Resources } }
  | { type: 'PlanChanged'; data: { name: string; from: Resources; to: Resources } };
