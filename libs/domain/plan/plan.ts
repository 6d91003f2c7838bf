import { resourcesViolations } from '../docker-service/spec-rules.ts';
import type { Cases, Decider } from '../kernel/decider.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { Amount, Resources } from '../kernel/units.ts';
import { isName, NAME_RULE } from '../project/name.ts';
import type { PlanEvent } from './events.ts';

export type PlanCommand =
  | { type: 'DefinePlan'; data: { name: string; resources: Resources } }
  | { type: 'ChangePlan'; data: { resources: Resources } };

/** A size that services are made in. Running releases keep what they had when it changes. */
export type Plan = { readonly status: 'absent' } | { readonly status: 'defined'; readonly name: string; readonly resources: Resources };

const initial: Plan = { status: 'absent' };

const evolutions: Cases<PlanEvent, Plan, Plan> = {
  PlanDefined: (_, { data: { name, resources } }) => ({ status: 'defined', name, resources }),
  PlanChanged: (_, { data: { name, to } }) => ({ status: 'defined', name, resources: to }),
};

const decisions: Cases<PlanCommand, Plan, readonly PlanEvent[]> = {
  DefinePlan(plan, { data }) {
    if (plan.status === 'defined') {
      if (same(plan.resources, data.resources)) return [];
      throw new Rejection('conflict', 'plan.exists', 'change it instead, or choose another name', { name: plan.name });
    }
    if (!isName(data.name)) throw new Rejection('invalid', 'name.invalid', `a name must be ${NAME_RULE}`, { name: data.name });
    refuse(data.resources);
    return [{ type: 'PlanDefined', data }];
  },

  ChangePlan(plan, { data: { resources } }) {
    if (plan.status === 'absent') throw new Rejection('not_found', 'plan.not_found', 'define it first');
    if (same(plan.resources, resources)) return [];
    refuse(resources);
    return [{ type: 'PlanChanged', data: { name: plan.name, from: plan.resources, to: resources } }];
  },
};

function refuse(resources: Resources): void {
  const violations = resourcesViolations(resources);
  const [first] = violations;
  if (first) throw new Rejection('invalid', 'plan.invalid', `${first.pointer}: ${first.message}`, { violations });
}

const same = (a: Resources, b: Resources): boolean => sameAmount(a.request, b.request) && sameAmount(a.limit, b.limit);
const sameAmount = (a: Amount, b: Amount): boolean => a.cpuMillis === b.cpuMillis && a.memoryBytes === b.memoryBytes;

/** The rules of a plan. */
export const plan: Decider<Plan, PlanCommand, PlanEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
